//! Boots of one row, and the words for how they went.

use std::collections::BTreeMap;
use std::fs;

use netboot_testbed::LinuxOracle;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::archives::{BEGIN, END, content};
use super::{BOOTS, Row};

/// Boots a row, and returns a clause for the table.
pub(super) fn boot(row: &Row) -> String {
    let directory = TempDir::new().unwrap();
    let initrd = directory.path().join("initrd");
    fs::write(&initrd, &row.initrd).unwrap();
    let oracle = match &row.kernel {
        None => LinuxOracle::debian(),
        Some(bytes) => {
            let kernel = directory.path().join("kernel");
            fs::write(&kernel, bytes).unwrap();
            LinuxOracle::of(&kernel)
        }
    };
    let Some(run) = oracle.boot(&initrd) else {
        return "hangs".to_owned();
    };
    let has = |mark: &str| run.lines.iter().any(|line| line == mark);
    let mut faults = Vec::new();
    if let Some(complaint) = &run.complaint {
        faults.push(format!("says \"{complaint}\""));
    }
    if let Some(panic) = &run.panic {
        let panic = panic.split(". ").next().unwrap_or(panic).trim_end_matches('.');
        faults.push(format!("panics: {panic}"));
    } else if !has(BEGIN) {
        faults.push("resets the machine".to_owned());
    } else {
        let sums: BTreeMap<&str, &str> = run
            .lines
            .iter()
            .filter_map(|line| line.split_once("  "))
            .map(|(a, b)| (b, a))
            .collect();
        for path in &row.expected {
            let right = hex::encode(Sha256::digest(content(path)));
            match sums.get(path) {
                None => faults.push(format!("starts without `{path}`")),
                Some(sum) if **sum != right => {
                    faults.push(format!("starts with an altered `{path}`"));
                }
                Some(_) => {}
            }
        }
        if !has(END) {
            faults.push("ends early".to_owned());
        }
    }
    if faults.is_empty() { BOOTS.to_owned() } else { faults.join("; ") }
}
