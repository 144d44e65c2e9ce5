//! Runs a script in real iPXE under UEFI, and returns the console.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use netboot_testbed::tool;

/// The last line of a script. After it, the machine is stopped.
const END: &str = "@@end";

/// Runs a script once, and returns the lines of the console from its start to its end.
///
/// OVMF starts iPXE like a kernel, and iPXE fetches the script that DHCP names. The machine stops
/// when the pipe from this process closes.
pub(crate) fn console(efi: &Path, script: &str) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let text = format!("#!ipxe\necho @@begin\n{script}\necho {END}\nsleep 1000\n");
    thread::spawn(move || serve(&listener, &text));
    let mut qemu = Command::new(tool("sh"))
        .args(["-c", "\"$@\" & read -r line; kill -KILL $!", "sh"])
        .arg(tool("qemu-system-x86_64"))
        .args(["-accel", "tcg", "-m", "512", "-display", "none", "-nodefaults"])
        .args(["-no-user-config", "-machine", "q35", "-serial", "stdio", "-no-reboot"])
        .args(["-drive", "if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd"])
        .args(["-drive", "if=pflash,format=raw,snapshot=on,file=/usr/share/OVMF/OVMF_VARS_4M.fd"])
        .args(["-device", "virtio-net-pci,netdev=n0,romfile="])
        .arg("-netdev")
        .arg(format!("user,id=n0,bootfile=http://10.0.2.2:{port}/script.ipxe"))
        .arg("-kernel")
        .arg(efi)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut printed = Vec::new();
    let mut console = qemu.stdout.take().unwrap();
    let mut buffer = [0; 4096];
    while !String::from_utf8_lossy(&printed).contains(END) {
        let count = console.read(&mut buffer).unwrap();
        let tail = String::from_utf8_lossy(&printed).into_owned();
        assert!(count > 0, "iPXE under UEFI ended early:\n{tail}");
        printed.extend_from_slice(&buffer[..count]);
    }
    drop(qemu.stdin.take());
    qemu.wait().unwrap();
    let printed = String::from_utf8_lossy(&printed).replace('\r', "");
    let (_, script) = printed.split_once("@@begin").unwrap();
    script.split_once(END).unwrap().0.to_owned()
}

/// Answers every request with the script.
fn serve(listener: &TcpListener, script: &str) {
    for stream in listener.incoming() {
        let Ok(mut stream) = stream else { return };
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut line = String::new();
        while reader.read_line(&mut line).is_ok_and(|length| length > 2) {
            line.clear();
        }
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", script.len());
        let _ = stream.write_all(format!("{head}{script}").as_bytes());
    }
}
