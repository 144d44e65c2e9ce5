//! Every claim of the runbook names a test that shows it, and the test exists.

use std::fs;

use crate::document;

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

/// Paragraphs and items of lists say something of how Netboot behaves, and rows of tables too; a
/// section without a single proof would be no runbook but an opinion.
#[test]
fn every_section_has_a_proof() {
    let text = document::text();
    let mut sections = text.split("\n## ").skip(1).peekable();
    assert!(sections.peek().is_some());
    for section in sections {
        let title = section.lines().next().unwrap();
        assert!(section.contains("[✓]("), "nothing in `{title}` names a test");
    }
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
