//! Initrds that were cut or altered, or that something follows.

use super::Rows;
use super::formats::USED;
use crate::boot_files::initrd::filter;
use crate::linux_table::archives::{USUAL, newc};

/// The distance of an altered byte from the end, in bytes: within the last file.
const WITHIN_LAST: usize = 5000;

/// Reasons for differences.
const TRAILER: &str = "the trailer is cut, which Linux does not need";
const NO_CHECKSUM: &str = "the file has no checksum, so that nothing tells it";
const OWN_CHECKSUM: &str = "Linux does not compare this checksum, which is the only sign of damage";

pub(super) fn add(rows: &mut Rows) {
    let plain = newc(&USUAL);
    let plain_words: (&str, &[&str]) = ("plain", &["cat"]);
    for (name, words) in [plain_words].iter().chain(&USED) {
        let whole = filter(words, &plain);
        let length = whole.len();
        rows.add(&format!("{name}, half of it"), whole[..length / 2].to_vec());
        let row = rows.add(&format!("{name}, without 4 bytes"), whole[..length - 4].to_vec());
        row.difference = (*name == "plain").then_some(TRAILER);
        let mut altered = whole.clone();
        altered[length - WITHIN_LAST] ^= 0x10;
        let row = rows.add(&format!("{name}, a byte of the last file altered"), altered);
        row.difference = ["plain", "lz4 -l"].contains(name).then_some(NO_CHECKSUM);
        let mut altered = whole.clone();
        altered[length - 4] ^= 0x10;
        let row = rows.add(&format!("{name}, the 4th last byte altered"), altered);
        row.difference = (*name == "gzip").then_some(OWN_CHECKSUM);
        rows.add(&format!("{name}, a line behind it"), [whole.as_slice(), b"#!ipxe\n"].concat());
        rows.add(&format!("{name}, zeros behind it: 3"), [whole.as_slice(), &[0; 3]].concat());
    }
    rows.add("no bytes", Vec::new());
    rows.add("512 zeros", vec![0; 512]);
    rows.add("a page of a web server", b"<!doctype html>\n<title>404</title>\n".to_vec());
    rows.add("gzip of a text", filter(USED[0].1, b"Not found\n"));
}
