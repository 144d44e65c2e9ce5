//! Every claim of the runbook names a test that shows it, and the test exists.

use std::fs;

use crate::runbook::document;

#[test]
fn every_test_that_is_named_exists() {
    let proofs = document::proofs(&document::text());
    assert!(proofs.len() > 100, "the links to tests are written in another way: {}", proofs.len());
    let missing: Vec<String> = proofs
        .iter()
        .filter(|proof| {
            !fs::read_to_string(&proof.file).is_ok_and(|source| has_test(&source, &proof.test))
        })
        .map(|proof| format!("line {}: {} in {}", proof.line, proof.test, proof.file.display()))
        .collect();
    assert_eq!(missing, Vec::<String>::new());
}

/// Paragraphs, items of lists and tables all say something, and each has its proof, or the mark of
/// what no test can show, or only leads to what follows or to another place.
#[test]
fn every_statement_has_a_proof_or_says_that_it_has_none() {
    let text = document::prose(&document::text());
    let mut table_is_proven = false;
    let mut unproven = Vec::new();
    for statement in text.split("\n\n").flat_map(statements) {
        let is_row = statement.starts_with("| ");
        let proven = statement.contains("[✓](") || statement.contains('°');
        let leads = statement.ends_with(':') || is_row && statement.contains("](#");
        if !(proven || leads || is_row && table_is_proven) {
            unproven.push(statement.clone());
        }
        if !is_row {
            // What introduces a table speaks for its rows.
            table_is_proven = proven;
        }
    }
    assert_eq!(unproven, Vec::<String>::new());
}

/// The paragraph or heading's text, item by item and row by row, without headings.
fn statements(block: &str) -> Vec<String> {
    let mut statements: Vec<String> = Vec::new();
    let begins = |line: &str| {
        let number = line.split(". ").next().is_some_and(|it| it.parse::<u8>().is_ok());
        line.trim_start().starts_with("- ") || line.starts_with('|') || number
    };
    let mut rows = 0;
    for line in block.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        rows += usize::from(line.starts_with('|'));
        // The head of a table, and the line below it.
        if line.starts_with('|') && rows <= 2 {
            continue;
        }
        match statements.last_mut() {
            Some(last) if !begins(line) => {
                last.push(' ');
                last.push_str(line.trim());
            }
            _ => statements.push(line.trim().to_owned()),
        }
    }
    statements
}

/// Whether a source has a test of this name: a function with the attribute, a row of the table that
/// makes tests of Nix's causes, or a promise that a contract suite checks.
fn has_test(source: &str, name: &str) -> bool {
    let function = format!("fn {name}(");
    let row = format!("    {name} in ");
    let mut is_test = false;
    for line in source.lines() {
        let line_of_function = line.contains(&function);
        if line_of_function && is_test || line.starts_with(&row) {
            return true;
        }
        // The promises of `netboot_publish::contract` are called by the tests of every store.
        if line_of_function && line.contains("(make: Make<'_>)") {
            return true;
        }
        is_test = line.contains("#[test]")
            || line.contains("#[tokio::test")
            || is_test && (line.trim_start().starts_with("#[") || line_of_function);
    }
    false
}

#[test]
fn a_test_is_told_from_what_is_none() {
    assert!(has_test("#[test]\n#[should_panic]\nfn a() {", "a"));
    assert!(has_test("#[tokio::test]\nasync fn a() {", "a"));
    assert!(has_test("    a in module: \"x\" => \"Y\";", "a"));
    assert!(has_test("async fn a(make: Make<'_>) {", "a"));
    assert!(!has_test("fn a() {", "a"));
    assert!(!has_test("#[test]\nfn b() {\n}\nfn a() {", "a"));
    assert!(!has_test("#[test]\nfn ab() {", "a"));
}
