//! Scripts in the shapes that people write, and the findings in them that are right.
//!
//! A comment `# right: <codes>` names the findings of its line, and `# next: <codes>` those of the
//! next line. Every other finding is wrong. The table `tests/corpus.md` counts both for each code;
//! `UPDATE_GOLDEN=1` writes it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use ipxe_script::{LintFindingKind, Severity, lint};

use crate::lint_build::build_of;

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// The findings that are right, as line and code.
fn right(script: &str) -> BTreeSet<(usize, String)> {
    let mut right = BTreeSet::new();
    for (number, line) in (1..).zip(script.lines()) {
        for (mark, offset) in [("# right: ", 0), ("# next: ", 1)] {
            let codes = line.split_once(mark).map_or("", |(_, codes)| codes.trim());
            let codes = codes.split(", ").filter(|code| !code.is_empty());
            right.extend(codes.map(|code| (number + offset, code.to_owned())));
        }
    }
    right
}

/// The number of right and of wrong findings.
#[derive(Default)]
struct Count {
    right: usize,
    wrong: usize,
}

impl Count {
    fn precision(&self) -> usize {
        100 * self.right / (self.right + self.wrong).max(1)
    }
}

#[test]
fn errors_and_warnings_are_right_as_often_as_promised() {
    let mut counts: BTreeMap<(Severity, &str), Count> = BTreeMap::new();
    let mut failures = String::new();
    let mut scripts = 0;
    for entry in fs::read_dir(directory().join("corpus")).unwrap() {
        let path = entry.unwrap().path();
        let script = fs::read_to_string(&path).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        scripts += 1;
        let mut expected = right(&script);
        for finding in lint(&script, &build_of(script.as_bytes())) {
            let code = finding.kind.code();
            let count = counts.entry((finding.severity(), code)).or_default();
            if expected.remove(&(finding.line, code.to_owned())) {
                count.right += 1;
            } else {
                count.wrong += 1;
                writeln!(failures, "{name}:{finding} [{code}] is wrong").unwrap();
            }
        }
        for (line, code) in expected {
            assert!(LintFindingKind::CODES.contains(&code.as_str()), "{name}:{line}: {code}");
            writeln!(failures, "{name}:{line}: {code} is missed").unwrap();
        }
    }
    assert!(scripts >= 180, "{scripts} scripts");
    assert!(!failures.contains("is missed"), "{failures}");
    for (severity, goal) in [(Severity::Error, 99), (Severity::Warning, 90)] {
        let mut all = Count::default();
        for ((_, _), count) in counts.iter().filter(|((of, _), _)| *of == severity) {
            all.right += count.right;
            all.wrong += count.wrong;
        }
        assert!(all.precision() >= goal, "{severity:?}: {} %\n{failures}", all.precision());
    }

    let mut table =
        "# Findings in the scripts of `corpus/`\n\n| code | severity | right | wrong |\n\
                     |---|---|---|---|\n"
            .to_owned();
    for ((severity, code), Count { right, wrong }) in &counts {
        writeln!(table, "| {code} | {severity} | {right} | {wrong} |").unwrap();
    }
    table += "\n## Wrong findings\n\n";
    let mut wrong: Vec<String> = failures.lines().map(|line| format!("- {line}\n")).collect();
    wrong.sort();
    table += &wrong.concat();
    netboot_testbed::assert_golden(&directory().join("corpus.md"), &table);
}
