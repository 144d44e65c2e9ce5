//! Initrds of several parts, and the zeros between them.

use super::Rows;
use super::formats::USED;
use crate::boot_files::initrd::filter;
use crate::linux_table::archives::{USUAL, newc};

/// A program that makes a part.
type Make = dyn Fn(&[u8]) -> Vec<u8>;

pub(super) fn add(rows: &mut Rows) {
    let (first, second) = (newc(&["early"]), newc(&USUAL));
    let by = |name: &'static str| {
        let found = USED.iter().find(|(used, _)| *used == name);
        move |bytes: &[u8]| found.map_or(bytes.to_vec(), |(_, words)| filter(words, bytes))
    };
    let fill = |bytes: Vec<u8>, zeros: usize| {
        let length = bytes.len().next_multiple_of(4) + zeros;
        let mut filled = bytes;
        filled.resize(length, 0);
        filled
    };

    for (name, _) in USED {
        let make: &Make = &by(name);
        let (early, usual) = (make(&first), make(&second));
        rows.add_longer(&format!("plain, {name}"), &[&first, &usual]);
        rows.add_longer(&format!("{name}, filled with zeros, plain"), &[&fill(early, 8), &second]);
        let early = make(&first);
        rows.add_longer(&format!("{name} twice"), &[&early, &usual]);
    }
    let (early, gzip) = (by("gzip")(&first), by("gzip")(&second));
    rows.add_longer("gzip, lz4 -l", &[&early, &by("lz4 -l")(&second)]);
    rows.add_longer("zstd, gzip", &[&by("zstd")(&first), &gzip]);
    let lz4 = by("lz4 -l")(&first);
    rows.add_longer("lz4 -l, gzip", &[&lz4, &gzip]);
    rows.add_longer("lz4 -l, 8 zeros, gzip", &[&lz4, &[0; 8], &gzip]);
    rows.add_longer("lz4 -l, filled with zeros, gzip", &[&fill(lz4, 8), &gzip]);

    // The archive's length is a multiple of four.
    for zeros in [1, 4] {
        let filled = fill(Vec::new(), 0).into_iter().chain(vec![0; zeros]).collect::<Vec<u8>>();
        rows.add_longer(&format!("plain, zeros: {zeros}, plain"), &[&first, &filled, &second]);
        rows.add_longer(&format!("plain, zeros: {zeros}, gzip"), &[&first, &filled, &gzip]);
        // Behind a compressed part, Linux takes a compressed part at any position.
        let begin = fill(early.clone(), 0);
        rows.add_longer(
            &format!("gzip, filled with zeros and {zeros} more, gzip"),
            &[&begin, &filled, &gzip],
        );
        rows.add_longer(
            &format!("gzip, filled with zeros and {zeros} more, plain"),
            &[&begin, &filled, &second],
        );
        let inner = [first.as_slice(), &filled, &second].concat();
        let row = rows
            .add_longer(&format!("gzip of: plain, zeros: {zeros}, plain"), &[&by("gzip")(&inner)]);
        row.difference = None;
    }
    for (name, begin) in [("zeros: 4", vec![0; 4]), ("zeros: 512", vec![0; 512])] {
        let whole = [begin.as_slice(), &second].concat();
        rows.add(&format!("gzip of: {name}, plain"), by("gzip")(&whole));
        rows.add(&format!("{name}, plain"), whole);
        rows.add(&format!("{name}, gzip"), [begin.as_slice(), &gzip].concat());
    }

    // One archive in two parts.
    let (begin, end) = second.split_at(1_000_000);
    for name in ["gzip", "bzip2", "xz --check=crc32", "lz4 -l", "zstd"] {
        let make: &Make = &by(name);
        rows.add(&format!("{name}, of half of an archive each"), [make(begin), make(end)].concat());
    }
    rows.add("gzip of nothing, gzip", [by("gzip")(b""), gzip.clone()].concat());
    rows.add_longer("gzip, gzip of nothing, gzip", &[&early, &by("gzip")(b""), &gzip]);
}
