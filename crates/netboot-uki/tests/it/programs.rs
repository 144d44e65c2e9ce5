//! Running the programs that others sign and inspect with.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use netboot_testbed::{DebianTree, tool};

/// The end of a program: true for success, and all that it printed.
pub(crate) type Ended = (bool, String);

fn run(command: &mut Command) -> Ended {
    let output = command.output().unwrap();
    let printed = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&printed).into_owned())
}

/// Runs a program of sbsigntool or efitools.
pub(crate) fn secure_boot(name: &str, arguments: &[&dyn AsRef<OsStr>]) -> Ended {
    run(Command::new(DebianTree::SECURE_BOOT.program(name))
        .args(arguments.iter().map(AsRef::as_ref)))
}

/// Runs systemd's ukify, which must succeed.
pub(crate) fn ukify(arguments: &[String]) -> String {
    let mut command = DebianTree::TRIXIE_UKIFY.python("usr/bin/ukify");
    command.args(arguments);
    let (succeeded, printed) = run(&mut command);
    assert!(succeeded, "{printed}");
    printed
}

/// Runs openssl with these words and with options that name files. It must succeed.
pub(crate) fn openssl(words: &str, files: &[(&str, &Path)]) -> String {
    let mut command = Command::new(tool("openssl"));
    command.args(words.split(' '));
    for (option, path) in files {
        command.arg(option).arg(path);
    }
    let (succeeded, printed) = run(&mut command);
    assert!(succeeded, "{printed}");
    printed
}

/// Writes a certificate in PEM beside the one in DER, as sbsigntool takes it.
pub(crate) fn pem(der: &Path) -> PathBuf {
    let pem = der.with_extension("pem");
    openssl("x509 -inform DER", &[("-in", der), ("-out", &pem)]);
    pem
}

/// Asserts that sbverify says what Netboot says about a program.
pub(crate) fn sbverify(program: &Path, certificate: &Path) -> bool {
    secure_boot("sbverify", &[&"--cert", &pem(certificate), &program]).0
}

/// A copy of a program with one byte altered.
pub(crate) fn altered(program: &Path, position: usize) -> PathBuf {
    let mut bytes = fs::read(program).unwrap();
    bytes[position] ^= 0x20;
    let path = program.with_extension("altered.efi");
    fs::write(&path, bytes).unwrap();
    path
}
