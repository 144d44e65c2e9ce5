//! The statements of the book name the tests that show them, and the tests exist.

use std::fs;

use crate::runbook::document::{self, Proof};

/// The pages beside the runbook whose every statement has a proof or is marked as advice.
const PROVEN: [&str; 10] = [
    "docs/introduction.md",
    "docs/first-boot.md",
    "docs/concepts.md",
    "docs/closure-boot.md",
    "docs/deployer.md",
    "docs/trust.md",
    "docs/provenance.md",
    "docs/secure-boot.md",
    "docs/netboot-toml.md",
    "docs/targets.md",
];

/// A page without the tables at its end that a test generates.
fn written(text: &str) -> &str {
    text.split("<!-- The tables ").next().unwrap()
}

fn proofs(text: &str) -> Vec<Proof> {
    document::statements(written(text)).into_iter().flat_map(|it| it.proofs).collect()
}

#[test]
fn every_test_that_is_named_exists() {
    let pages = document::pages();
    for page in pages.iter().filter(|page| page.text.contains("<!-- proof: ")) {
        assert_eq!(missing(&proofs(&page.text)), Vec::<String>::new(), "{}", page.path);
    }
}

/// The proofs that name no test.
pub(crate) fn missing(proofs: &[Proof]) -> Vec<String> {
    let exists = |proof: &Proof| {
        let sources = proof.files().into_iter().filter_map(|path| fs::read_to_string(path).ok());
        sources.into_iter().any(|source| has_test(&source, &proof.test))
    };
    let missing = proofs.iter().filter(|proof| !exists(proof));
    let tell = |proof: &Proof| {
        let Proof { package, modules, test, line } = proof;
        format!("line {line}: {package} has no test {}::{test}", modules.join("::"))
    };
    missing.map(tell).collect()
}

#[test]
fn every_statement_has_a_proof_or_is_marked_as_advice() {
    let pages = document::pages();
    let others = PROVEN.map(|path| pages.iter().find(|page| page.path == path).unwrap());
    let runbook = document::runbook();
    assert!(runbook.len() > 20, "{} pages", runbook.len());
    for page in runbook.iter().chain(others) {
        let (path, count) = (&page.path, proofs(&page.text).len());
        assert!(count >= 5, "{path}: the proofs are written in another way: {count}");
        assert_eq!(unproven(written(&page.text)), Vec::<String>::new(), "{path}");
    }
}

/// The statements that have neither a proof nor the mark of advice. A statement that only leads to
/// what follows it needs neither, nor does a row with a cell that begins with a link, or the row of
/// a table whose introduction is proven.
fn unproven(text: &str) -> Vec<String> {
    let mut table_is_proven = false;
    let mut unproven = Vec::new();
    for statement in document::statements(text) {
        let is_proven = !statement.proofs.is_empty() || statement.is_advice;
        let leads = if statement.is_row {
            table_is_proven || statement.text.contains("| [")
        } else {
            statement.text.ends_with(':')
        };
        if !statement.is_row {
            table_is_proven = is_proven;
        }
        if !(is_proven || leads) {
            unproven.push(statement.text);
        }
    }
    unproven
}

#[test]
fn each_cell_of_the_table_of_trust_is_proven() {
    let text = fs::read_to_string(document::root().join("docs/trust.md")).unwrap();
    // Each cell of the table has its own, except the names of the parties.
    let rows = text.lines().filter(|line| line.starts_with("| ")).skip(1);
    let cells = rows.flat_map(|row| row.trim_matches('|').split(" | ").skip(1));
    let bare: Vec<&str> = cells.filter(|cell| !cell.trim_end().ends_with("-->")).collect();
    assert_eq!(bare, Vec::<&str>::new());
    let first = text.split("\n\n").nth(1).unwrap();
    assert!(first.starts_with("**Without keys, whoever can write to the target"), "{first}");
}

#[test]
fn each_decision_to_delete_is_lied_to() {
    let text = fs::read_to_string(document::root().join("docs/deletion.md")).unwrap();
    let rows =
        text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| decision"));
    let rows: Vec<&str> = rows.collect();
    assert!(rows.len() > 25, "{} decisions", rows.len());
    let bare: Vec<_> = rows.into_iter().filter(|row| !row.trim_end().ends_with("--> |")).collect();
    assert_eq!(bare, Vec::<&str>::new());
}

#[test]
fn a_statement_without_a_proof_is_found() {
    let proof = "<!-- proof: netboot-nix building::x -->";
    let text = format!(
        "# A heading\n\nA paragraph\nof two lines.\n{proof}\n\nBare.\n\nIt leads:\n\n\
         <!-- once -->\n```sh\nls\n```\n\n- one\n  {proof}\n- two\n- three\n  <!-- advice -->\n\n\
         1. first {proof}\n2. second\n\nA table:\n\n| a | b |\n|---|---|\n| c | d {proof} |\n\
         | e | f |\n| g | [there](#a-heading) |\n| h | [there](page.md): i |\n| j | see [there](#k) |\n\n\
         Another: {proof}\n\n| a |\n|---|\n| l |\n"
    );
    assert_eq!(
        unproven(&text),
        ["Bare.", "- two", "2. second", "| e | f |", "| j | see [there](#k) |"]
    );
}

#[test]
fn a_proof_that_names_no_test_is_found() {
    let of = |path: &str| {
        let text = format!("A statement.\n<!-- proof: {path} -->\n");
        missing(&document::statements(&text).remove(0).proofs)
    };
    let here = "runbook::proofs::a_proof_that_names_no_test_is_found";
    assert_eq!(of(&format!("netboot-examples {here}")), Vec::<String>::new());
    for wrong in [
        format!("netboot-example {here}"),
        format!("netboot-deployer {here}"),
        "netboot-examples runbook::proofs::a_proof".to_owned(),
        "netboot-examples runbook::proofs::missing".to_owned(),
        "netboot-examples proofs::a_proof_that_names_no_test_is_found".to_owned(),
    ] {
        assert_eq!(of(&wrong).len(), 1, "{wrong}");
    }
}

#[test]
#[should_panic(expected = "neither a proof nor the mark of a block")]
fn a_comment_that_is_misspelled_is_found() {
    document::statements("A statement.\n<!-- prof: netboot-nix building::x -->\n");
}

/// Returns true if a source has a test of this name: a function with the attribute, a row of the
/// table from which tests of Nix's causes are made, or a promise that a contract suite checks.
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
