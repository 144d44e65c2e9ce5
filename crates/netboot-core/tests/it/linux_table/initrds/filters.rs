//! xz streams with the filters of several architectures, in two versions of Linux.

use std::fs;

use netboot_testbed::DebianTree;

use super::Rows;
use crate::boot_files::initrd::{filter, xz_for_riscv};
use crate::linux_table::archives::{USUAL, newc};

/// The options of `xz` for machine code.
const FILTERS: [&str; 7] =
    ["--x86", "--powerpc", "--ia64", "--arm", "--armthumb", "--sparc", "--arm64"];

pub(super) fn add(rows: &mut Rows) {
    let plain = newc(&USUAL);
    let later = fs::read(DebianTree::TRIXIE_LINUX.kernel()).unwrap();
    let packed = |option| filter(&["xz", "--check=crc32", option, "--lzma2", "-c"], &plain);
    let initrds = FILTERS.map(|option| (option, packed(option)));
    for (option, initrd) in initrds.into_iter().chain([("--riscv", xz_for_riscv(&plain))]) {
        rows.add(&format!("xz {option}"), initrd.clone());
        rows.add(&format!("xz {option}, in Linux 6.12"), initrd).kernel = Some(later.clone());
    }
}
