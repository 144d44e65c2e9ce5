//! A machine with UEFI gets through all scripts of a release to its local disk.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use netboot_core::ArtifactKind;
use netboot_ipxe::{Fleet, Renderer, UnknownMachine};
use netboot_testbed::{DebianTree, is_long, tool};
use tokio::io::AsyncReadExt;

use crate::images::image;

/// The scripts of a release by their URLs' paths. Unknown machines boot their local disk.
async fn scripts() -> BTreeMap<String, Vec<u8>> {
    let fleet = Fleet::builder(UnknownMachine::LocalDisk).build().unwrap();
    let release = Renderer::builder().fleet(fleet).build().unwrap();
    let release = release.render_release([image("worker", "Worker", &[], &["initrd"])]).unwrap();
    let mut scripts = BTreeMap::from([("current.ipxe".to_owned(), release.pointer().to_vec())]);
    for (path, text) in release.entry_points() {
        scripts.insert(path.to_string(), text.to_vec());
    }
    for (path, artifact) in release.files() {
        if artifact.kind() == ArtifactKind::Script {
            let mut script = Vec::new();
            artifact.open().await.unwrap().read_to_end(&mut script).await.unwrap();
            scripts.insert(format!("releases/{}/{path}", release.id()), script);
        }
    }
    scripts
}

fn serve(listener: &TcpListener, scripts: &BTreeMap<String, Vec<u8>>) {
    for stream in listener.incoming() {
        let Ok(mut stream) = stream else { return };
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let (mut request, mut line) = (String::new(), String::new());
        let _ = reader.read_line(&mut request);
        while reader.read_line(&mut line).is_ok_and(|length| length > 2) {
            line.clear();
        }
        let path = request.split(' ').nth(1).unwrap_or_default().trim_start_matches('/');
        let (status, body) = match scripts.get(path) {
            Some(script) => ("200 OK", script.as_slice()),
            None => ("404 Not Found", b"".as_slice()),
        };
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", body.len());
        let _ = stream.write_all(&[head.as_bytes(), body].concat());
    }
}

/// A directory that the firmware sees as a drive with this program.
fn drive(program: &Path) -> tempfile::TempDir {
    let drive = tempfile::tempdir().unwrap();
    let directory = drive.path().join("EFI/BOOT");
    fs::create_dir_all(&directory).unwrap();
    fs::copy(program, directory.join("BOOTX64.EFI")).unwrap();
    drive
}

/// Boots a machine whose first boot device is this iPXE, and asserts that the second one starts.
async fn reaches_the_disk(ipxe: &Path) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let scripts = scripts().await;
    thread::spawn(move || serve(&listener, &scripts));
    let first = drive(ipxe);
    let disk = drive(&DebianTree::SID_IPXE.path("usr/lib/ipxe/ipxe-amd64.efi"));
    let autoexec = "#!ipxe\necho THE-DISK-BOOTS\nsleep 1000\n";
    fs::write(disk.path().join("autoexec.ipxe"), autoexec).unwrap();
    let mut qemu = Command::new(tool("sh"));
    qemu.args(["-c", "\"$@\" & read -r line; kill -KILL $!", "sh"])
        .arg(tool("qemu-system-x86_64"))
        .args(["-accel", "tcg", "-m", "512", "-display", "none", "-nodefaults"])
        .args(["-no-user-config", "-machine", "q35", "-serial", "stdio", "-no-reboot"])
        .args(["-drive", "if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd"])
        .args(["-drive", "if=pflash,format=raw,snapshot=on,file=/usr/share/OVMF/OVMF_VARS_4M.fd"])
        .args(["-device", "virtio-net-pci,netdev=n0,romfile=", "-netdev"])
        .arg(format!("user,id=n0,bootfile=http://10.0.2.2:{port}/boot.ipxe"));
    for (index, drive) in [&first, &disk].into_iter().enumerate() {
        let path = drive.path().display();
        qemu.arg("-drive")
            .arg(format!("if=none,id=d{index},format=raw,readonly=on,file=fat:{path}"))
            .arg("-device")
            .arg(format!("virtio-blk-pci,drive=d{index},bootindex={index}"));
    }
    let mut qemu = qemu.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut printed, mut buffer) = (String::new(), [0; 4096]);
    let mut console = qemu.stdout.take().unwrap();
    while !printed.contains("THE-DISK-BOOTS") {
        let count = console.read(&mut buffer).unwrap();
        printed += &String::from_utf8_lossy(&buffer[..count]);
        let menu = printed.contains("Standard PC (Q35") || printed.contains("Boot Manager Menu");
        assert!(count > 0 && !menu, "{} does not reach the disk:\n{printed}", ipxe.display());
    }
    drop(qemu.stdin.take());
    qemu.wait().unwrap();
    assert!(printed.contains("and boots its local disk"), "{printed}");
}

#[tokio::test]
async fn uefi_starts_the_disk_after_every_script() {
    reaches_the_disk(Path::new("/usr/lib/ipxe/ipxe.efi")).await;
    if is_long() {
        let later: [PathBuf; 2] = [
            DebianTree::TRIXIE_IPXE.path("usr/lib/ipxe/ipxe.efi"),
            DebianTree::SID_IPXE.path("usr/lib/ipxe/ipxe-amd64.efi"),
        ];
        for ipxe in later {
            reaches_the_disk(&ipxe).await;
        }
    }
}
