//! The blocks of the book that are neither commands nor messages: configurations, events, files at
//! a target, programs.

use std::fs;

use netboot_cli::Target;
use netboot_cli::configuration::Configuration;
use netboot_core::Event;

use crate::runbook::document::{self, Block, Page};

/// The place of a public key in the book.
const LEFT_OUT: &str = "RWQ...";

#[test]
fn every_block_is_shown_by_a_test() {
    let doctests = fs::read_to_string(document::root().join("tests/src/lib.rs")).unwrap();
    let mut count = 0;
    for page in document::pages() {
        for block in document::blocks(&page.text) {
            check(&page, &block, &doctests);
            count += 1;
        }
    }
    assert!(count > 100, "{count} blocks");
}

fn check(page: &Page, block: &Block, doctests: &str) {
    let at = format!("{}:{}", page.path, block.line);
    match (block.language.as_str(), block.mark.as_str()) {
        // `commands` runs them.
        ("sh", _) => {}
        // `commands` writes it, and a command reads it.
        ("json", mark) if mark.starts_with("file: ") => {}
        ("json", "event") => {
            let event: Event = serde_json::from_str(&block.text).unwrap();
            let value: serde_json::Value = serde_json::from_str(&block.text).unwrap();
            assert_eq!(serde_json::to_value(event).unwrap(), value, "{at}");
        }
        ("toml", "dependencies") => assert_dependencies(&block.text, &at),
        ("toml", _) => {
            let text = with_keys(&block.text);
            let configuration = Configuration::parse(&text, "netboot.toml");
            assert!(configuration.is_ok(), "{at}: {configuration:?}");
        }
        ("rust" | "rust,no_run", "") => {
            let include = format!("include_str!(\"../../{}\")", page.path);
            assert!(doctests.contains(&include), "{at}: no doctest compiles this page");
        }
        ("text", mark) => match mark.strip_prefix("from: ") {
            Some(source) => assert_copied(&block.text, source, &at),
            None if page.is_of_the_runbook() => assert!(mark.starts_with("says: "), "{at}"),
            None => {}
        },
        (language, mark) => panic!("{at}: no test shows `{language}` with the mark `{mark}`"),
    }
}

/// The text with a public key in each place where the book leaves one out.
fn with_keys(text: &str) -> String {
    let mut text = text.to_owned();
    while text.contains(LEFT_OUT) {
        let key = minisign::KeyPair::generate_unencrypted_keypair().unwrap().pk.to_base64();
        text = text.replacen(LEFT_OUT, &key, 1);
    }
    text
}

/// Checks that each dependency on Netboot is a crate of this repository.
fn assert_dependencies(text: &str, at: &str) {
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("netboot-")).collect();
    assert!(!lines.is_empty(), "{at}");
    for line in lines {
        let path = line.split("path = \"../netboot/").nth(1).unwrap().split('"').next().unwrap();
        assert!(document::root().join(path).join("Cargo.toml").is_file(), "{at}: {line}");
    }
}

/// Checks that the text is in the documentation of a source file.
fn assert_copied(text: &str, source: &str, at: &str) {
    let source = fs::read_to_string(document::root().join(source)).unwrap();
    let lines = source.lines().filter_map(|line| line.strip_prefix("//!"));
    let lines: Vec<&str> = lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    assert!(lines.join("\n").contains(text.trim_end()), "{at}");
}

#[test]
fn every_form_of_a_target_is_one() {
    let page = document::pages().into_iter().find(|page| page.path == "docs/targets.md").unwrap();
    let is_row = |line: &&str| line.starts_with("| `");
    // The first table of the page has the forms.
    let rows = page.text.lines().skip_while(|line| !is_row(line)).take_while(is_row);
    let forms: Vec<&str> = rows.map(|row| row.split(" | ").next().unwrap()).collect();
    assert_eq!(forms.len(), 6);
    for form in forms.iter().flat_map(|cell| cell.trim_matches(['|', ' ']).split(", ")) {
        let form = form.trim_matches('`');
        let values = [
            ("BUCKET", "netboot"),
            ("PREFIX", "nixos"),
            ("URL", "https://s3.example.org"),
            ("USER", "publisher"),
            ("HOST", "boot.example.org"),
            ("REPOSITORY", "boot/nixos"),
            ("MODULE", "boot"),
            ("PATH", "pxe"),
        ];
        let text = values.iter().fold(form.to_owned(), |text, (name, it)| text.replace(name, it));
        if form == "NAME" {
            let file = "[targets]\nlocal = \"/srv/pxe\"\n";
            let configuration = Configuration::parse(file, "netboot.toml").unwrap();
            configuration.target("local").unwrap();
        } else {
            let target: Target = text.parse().unwrap();
            assert_eq!(target.directory().is_some(), !form.contains(':'), "{form}");
        }
    }
}
