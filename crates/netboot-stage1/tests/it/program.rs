//! The static program, as machines get it.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use netboot_closure::CompressionLevel;
use netboot_testbed::{Testbed, is_long, tool};

use crate::server::Server;
use crate::site::Site;

/// The greatest size of the program in bytes: 2 MiB.
const SIZE_LIMIT: u64 = 2 << 20;

/// The most memory that it may take at level 10 with four connections, in bytes.
const MEMORY_LIMIT: u64 = 40_000_000;

fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(Testbed::stage1_program)
}

#[test]
fn it_is_small_and_static() {
    let size = fs::metadata(program()).unwrap().len();
    assert!(size <= SIZE_LIMIT, "{size}");
    let output = Command::new(tool("ldd")).arg(program()).output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(printed.contains("statically linked"), "{printed}");
}

#[test]
fn it_takes_little_memory() {
    // Each connection has a file that is larger than the window of zstd at this level, 4 MiB.
    let bytes = if is_long() { 32 << 20 } else { 8 << 20 };
    let site = Site::with_level(&[bytes; 4], CompressionLevel::default());
    let server = Server::honest(site.root());
    let machine = site.machine(&[&server.url()]);
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    machine.add_parameter(&format!("netboot.report=http://{}/", silent.local_addr().unwrap()));
    let memory = machine.peak_memory(program());
    assert!(memory <= MEMORY_LIMIT, "{memory}");
}
