//! Tables of what Linux does with initrds and kernels, held against what the inspection says.
//!
//! An ordinary run inspects each file and boots a sample of them. With `NETBOOT_LONG_TESTS=1`, it
//! boots each. `UPDATE_GOLDEN=1` also boots the files that a table lacks, and writes the table.

mod archives;
mod boots;
mod initrds;
mod kernels;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Mutex;

use netboot_testbed::{is_long, updates_golden};

/// The number of machines that run at a time.
const MACHINES: usize = 2;

/// The clause for a machine that ran as it should.
const BOOTS: &str = "boots";

/// A file that is inspected and booted.
pub(crate) struct Row {
    name: String,
    /// The bytes of a kernel other than the test bed's.
    kernel: Option<Vec<u8>>,
    initrd: Vec<u8>,
    /// The paths of the files that the machine must find in its initrd.
    expected: Vec<&'static str>,
    /// The inspection's reason for refusing the file.
    refusal: Option<String>,
    /// The reason why the inspection and Linux differ.
    difference: Option<&'static str>,
}

impl Row {
    fn line(&self, linux: &str) -> String {
        let inspection = self.refusal.as_deref().unwrap_or("accepted");
        let difference = self.difference.unwrap_or_default();
        format!("| {} | {linux} | {inspection} | {difference} |", self.name)
    }

    /// Returns a sentence if the inspection is wrong about the file.
    fn mistake(&self, linux: &str) -> Option<String> {
        let problem = match ((linux == BOOTS) == self.refusal.is_none(), self.difference) {
            (false, None) => "Linux and the inspection differ",
            (true, Some(_)) => "Linux and the inspection agree, and a reason stands there",
            _ => return None,
        };
        Some(format!("{problem}:\n  {}", self.line(linux)))
    }
}

/// Asserts that the table in the file `name` is right. `sample` is the number of rows that an
/// ordinary run boots.
fn check(name: &str, heading: &str, rows: &[Row], sample: usize) {
    let (writes, is_long) = (updates_golden(), is_long());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name);
    let written = fs::read_to_string(&path).unwrap_or_default();
    let cells = written.lines().map(|line| line.split('|').map(str::trim).collect::<Vec<_>>());
    let known: BTreeMap<String, String> = cells
        .filter_map(|cells| Some(((*cells.get(1)?).to_owned(), (*cells.get(2)?).to_owned())))
        .collect();

    let step = rows.len().div_ceil(sample);
    let is_booted = |index: usize, row: &Row| {
        is_long || index.is_multiple_of(step) || (writes && !known.contains_key(&row.name))
    };
    let booted = rows.iter().enumerate().filter(|(index, row)| is_booted(*index, row));
    let seen = boot_all(&booted.collect::<Vec<_>>());

    let mut table = format!(
        "# {heading}\n\n| file | Linux | inspection | reason for a difference |\n|---|---|---|---|\n"
    );
    let mut mistakes = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let linux = seen.get(&index).or_else(|| known.get(&row.name)).map_or("", String::as_str);
        let line = row.line(linux);
        if !writes && !written.lines().any(|written| written == line) {
            mistakes.push(format!("{name} says something else than:\n  {line}"));
        }
        mistakes.extend(row.mistake(linux));
        table = table + &line + "\n";
    }
    if writes {
        fs::write(&path, &table).unwrap();
    }
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
    let written = fs::read_to_string(&path).unwrap();
    assert!(written == table, "{name} has other rows; UPDATE_GOLDEN=1 writes it anew");
}

/// Boots the rows, and returns what Linux does with each.
fn boot_all(rows: &[(usize, &Row)]) -> BTreeMap<usize, String> {
    let (left, seen) = (Mutex::new(rows.iter()), Mutex::new(BTreeMap::new()));
    std::thread::scope(|scope| {
        for _ in 0..MACHINES {
            scope.spawn(|| {
                loop {
                    let next = left.lock().unwrap().next();
                    let Some((index, row)) = next else { return };
                    let outcome = boots::boot(row);
                    seen.lock().unwrap().insert(*index, outcome);
                }
            });
        }
    });
    seen.into_inner().unwrap()
}
