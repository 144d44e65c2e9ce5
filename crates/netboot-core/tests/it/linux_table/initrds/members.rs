//! Archives with members that Linux treats in its own way.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::Rows;
use crate::boot_files::cpio_of;
use crate::boot_files::initrd::run;
use crate::linux_table::archives::{USUAL, content, newc, newc_with};

const DIRECTORY: usize = 0o040_755;
const LINK: usize = 0o120_777;
/// The length of the trailer: its header and its name, with zeros.
const TRAILER: usize = 110 + 14;

/// The reason for a difference.
const BEHIND_LINK: &str = "a link may lead into another initrd, and is not followed";

/// Returns what the program `cpio` writes for the usual files, of which `init` has a second name.
/// Only the last of both has the content.
fn by_cpio_of_links() -> Vec<u8> {
    let tree = TempDir::new().unwrap();
    for path in USUAL {
        let place = tree.path().join(path);
        fs::write(&place, content(path)).unwrap();
        fs::set_permissions(&place, Permissions::from_mode(0o755)).unwrap();
    }
    fs::hard_link(tree.path().join("init"), tree.path().join("name")).unwrap();
    let words = ["cpio", "--quiet", "-o", "-H", "newc"];
    run("cpio", &words, tree.path(), b"busybox\ninit\nname\nlast\n")
}

/// Returns an archive whose last member is the directory of the file before it.
fn newc_of_directory_last() -> Vec<u8> {
    let (busybox, init, last) = (content("busybox"), content("init"), content("last"));
    cpio_of(&[
        ("busybox", 0o100_755, &busybox),
        ("init", 0o100_755, &init),
        ("directory/last", 0o100_644, &last),
        ("directory", DIRECTORY, b""),
    ])
}

/// Returns an archive with another `/init`, and the usual one as `program`.
fn with_init(mode: usize, content_of_init: &[u8]) -> Vec<u8> {
    let (busybox, init, last) = (content("busybox"), content("init"), content("last"));
    cpio_of(&[
        ("busybox", 0o100_755, &busybox),
        ("program", 0o100_755, &init),
        ("init", mode, content_of_init),
        ("last", 0o100_644, &last),
    ])
}

pub(super) fn add(rows: &mut Rows) {
    let plain = newc(&USUAL);
    rows.add("without the trailer", plain[..plain.len() - TRAILER].to_vec());
    let header = plain.windows(6).rposition(|window| window == b"070701").unwrap();
    for (name, position, text) in [
        ("a size that is no number", 54, b"0000001g".as_slice()),
        ("a size beyond the end", 54, b"7fffffff"),
        ("another magic", 0, b"070703"),
    ] {
        // The header before the trailer's is that of the last file.
        let last = plain[..header].windows(6).rposition(|window| window == b"070701").unwrap();
        let mut altered = plain.clone();
        altered[last + position..last + position + text.len()].copy_from_slice(text);
        rows.add(&format!("a header with {name}"), altered);
    }
    let mut sum = super::super::archives::by_cpio("crc");
    let last = content("last");
    let begin = sum.windows(64).rposition(|window| *window == last[..64]).unwrap();
    sum[begin] ^= 1;
    rows.add("cpio -H crc, a byte of the last file altered", sum);

    rows.add("/init as one of two links", by_cpio_of_links());
    rows.add("without /init", newc(&["busybox", "last"]));
    let init = content("init");
    for (name, mode, content) in [
        ("/init without permission to execute", 0o100_644, init.as_slice()),
        ("an empty /init", 0o100_755, b""),
        ("/init as a directory", DIRECTORY, b""),
        ("/init as a link to a program", LINK, b"program"),
        ("/init as a link to nothing", LINK, b"nothing"),
    ] {
        let row = rows.add(name, with_init(mode, content));
        row.expected = vec!["busybox", "last"];
        row.difference = (name == "/init as a link to nothing").then_some(BEHIND_LINK);
    }
    let with = |members: &[(&str, usize, &[u8])], path| newc_with(members, path);
    let mut add = |name: &str, bytes: Vec<u8>, path: &'static str| {
        let row = rows.add(name, bytes);
        row.expected = vec!["busybox", "init", path];
        row.difference = (name == "a file behind a link to nothing").then_some(BEHIND_LINK);
    };
    add(
        "a file in a directory",
        with(&[("directory", DIRECTORY, b"")], "directory/last"),
        "directory/last",
    );
    add("a file in a directory that is missing", with(&[], "missing/last"), "missing/last");
    add(
        "a file behind a link to a directory",
        with(&[("directory", DIRECTORY, b""), ("link", LINK, b"directory")], "link/last"),
        "link/last",
    );
    add(
        "a file behind a link to nothing",
        with(&[("link", LINK, b"directory")], "link/last"),
        "link/last",
    );
    add(
        "an absolute path",
        with(&[("/directory", DIRECTORY, b"")], "/directory/last"),
        "directory/last",
    );
    add(
        "a path with a dot",
        with(&[("./directory/", DIRECTORY, b"")], "./directory/last"),
        "directory/last",
    );
    add(
        "a file in a file",
        with(&[("directory", 0o100_644, b"x")], "directory/last"),
        "directory/last",
    );
    add("a directory after its file", newc_of_directory_last(), "directory/last");
    let long = "x".repeat(4096);
    let name = [("early", 0o100_644, b"".as_slice()), (long.as_str(), 0o100_644, b"x")];
    add("a name of 4096 bytes", with(&name, "last"), "last");
    add("a directory with content", with(&[("directory", DIRECTORY, b"x")], "last"), "last");
}
