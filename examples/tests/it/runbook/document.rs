//! What the tests look for in the runbook: quoted messages, commands, files, links to tests.

use std::fs;
use std::path::{Path, PathBuf};

/// A fenced block, and what the comment right before it says of it.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    /// The language, such as `sh`.
    pub(crate) language: String,
    /// What `<!-- … -->` on the line above says; empty without one.
    pub(crate) mark: String,
    /// The line of the opening fence, counted from 1.
    pub(crate) line: usize,
    pub(crate) text: String,
}

/// A link to a test: `[✓](../crates/x/tests/y.rs "name_of_the_test")`.
#[derive(Debug)]
pub(crate) struct Proof {
    pub(crate) file: PathBuf,
    pub(crate) test: String,
    pub(crate) line: usize,
}

pub(crate) fn path() -> PathBuf {
    root().join("docs/operations.md")
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

pub(crate) fn text() -> String {
    fs::read_to_string(path()).unwrap()
}

pub(crate) fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open = false;
    let mut before = "";
    for (line, content) in (1..).zip(text.lines()) {
        match (content.strip_prefix("```"), open) {
            (Some(language), false) => {
                let mark = before.strip_prefix("<!-- ").and_then(|it| it.strip_suffix(" -->"));
                let (language, mark) = (language.to_owned(), mark.unwrap_or_default().to_owned());
                blocks.push(Block { language, mark, line, text: String::new() });
                open = true;
            }
            (Some(_), true) => open = false,
            (None, true) => {
                let block = blocks.last_mut().unwrap();
                block.text += content;
                block.text.push('\n');
            }
            (None, false) => {}
        }
        before = content;
    }
    assert!(!open, "the last block does not end");
    blocks
}

pub(crate) fn proofs(text: &str) -> Vec<Proof> {
    let mut proofs = Vec::new();
    for (line, content) in (1..).zip(text.lines()) {
        for rest in content.split("[✓](").skip(1) {
            let (link, _) = rest.split_once(')').unwrap();
            let (file, title) = link.split_once(' ').unwrap_or((link, ""));
            let file = root().join("docs").join(file);
            proofs.push(Proof { file, test: title.trim_matches('"').to_owned(), line });
        }
    }
    proofs
}

/// The text without its blocks and without comments.
pub(crate) fn prose(text: &str) -> String {
    let mut open = false;
    let mut prose = String::new();
    for line in text.lines() {
        if line.starts_with("```") {
            open = !open;
        } else if !open && !line.starts_with("<!--") {
            prose += line;
            prose.push('\n');
        }
    }
    prose
}
