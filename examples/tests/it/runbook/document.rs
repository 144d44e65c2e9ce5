//! The things that the tests look for in the book, the README and SECURITY.md: statements with
//! their proofs, quoted messages, commands, files.
//!
//! A statement is a paragraph, an item of a list or a row of a table. Readers do not see its
//! proofs: they are comments behind it, one for each test, named by its package and its path.
//!
//! ```text
//! Nix evaluates all profiles at once.
//! <!-- proof: netboot-nix building::three_profiles_come_of_one_evaluation -->
//! ```
//!
//! `<!-- advice -->` marks a statement that no test of Netboot can show. A row has its comments at
//! its end. Any other comment marks the block on the next line.

use std::fs;
use std::path::{Path, PathBuf};

/// A fenced block, and the mark on the line above it.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    /// The language, such as `sh`.
    pub(crate) language: String,
    /// The text of the comment `<!-- … -->` on the line above; empty if there is none.
    pub(crate) mark: String,
    /// The line of the opening fence, counted from 1.
    pub(crate) line: usize,
    pub(crate) text: String,
}

/// A chapter of the book, or another page.
#[derive(Debug)]
pub(crate) struct Page {
    /// The path in this repository, such as `docs/trust.md`.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Something that a page states.
#[derive(Debug, Default)]
pub(crate) struct Statement {
    /// The text, in one line, without its comments.
    pub(crate) text: String,
    /// True if it is a row of a table.
    pub(crate) is_row: bool,
    /// The tests that show it.
    pub(crate) proofs: Vec<Proof>,
    /// True if it is marked as something that no test can show.
    pub(crate) is_advice: bool,
}

/// A test that shows a statement: `<!-- proof: <package> <path>::<test> -->`.
#[derive(Debug)]
pub(crate) struct Proof {
    pub(crate) package: String,
    /// The modules that the test is in, below `tests/it` or `src`.
    pub(crate) modules: Vec<String>,
    pub(crate) test: String,
    /// The line of the comment, counted from 1.
    pub(crate) line: usize,
}

impl Page {
    /// True if the page is the runbook's overview or one of its chapters.
    pub(crate) fn is_of_the_runbook(&self) -> bool {
        self.path == "docs/operations.md" || self.path.starts_with("docs/operations/")
    }
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The README, SECURITY.md, and the chapters that the summary of the book names, in its order.
pub(crate) fn pages() -> Vec<Page> {
    let summary = fs::read_to_string(root().join("docs/SUMMARY.md")).unwrap();
    let names = summary.split("](").skip(1).map(|link| link.split_once(')').unwrap().0);
    let chapters = names.map(|name| format!("docs/{name}"));
    let others = ["README.md", "SECURITY.md"].map(str::to_owned);
    let read = |path: String| Page { text: fs::read_to_string(root().join(&path)).unwrap(), path };
    others.into_iter().chain(chapters).map(read).collect()
}

/// The pages of the runbook, in the order of the summary.
pub(crate) fn runbook() -> Vec<Page> {
    pages().into_iter().filter(Page::is_of_the_runbook).collect()
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

/// The statements of a text, in order. Headings and the heads of tables are none.
pub(crate) fn statements(text: &str) -> Vec<Statement> {
    let mut statements: Vec<Statement> = Vec::new();
    let (mut in_block, mut continues, mut rows) = (false, false, 0);
    let mut lines = (1..).zip(text.lines()).peekable();
    while let Some((line, content)) = lines.next() {
        if content.starts_with("```") {
            (in_block, continues) = (!in_block, false);
            continue;
        }
        if in_block {
            continue;
        }
        let (content, comments) = without_comments(content);
        let content = content.trim();
        let is_row = content.starts_with('|');
        rows = if is_row { rows + 1 } else { 0 };
        if content.is_empty() && comments.is_empty() || content.starts_with('#') {
            continues = false;
        } else if is_row && rows > 2
            || !content.is_empty() && !is_row && !continues
            || begins_item(content)
        {
            statements.push(Statement { text: content.to_owned(), is_row, ..Default::default() });
            continues = !is_row;
        } else if !content.is_empty() && !is_row {
            let last = statements.last_mut().unwrap();
            let is_open = last.proofs.is_empty() && !last.is_advice;
            assert!(is_open, "line {line}: a statement goes on behind its proofs");
            last.text = format!("{} {content}", last.text);
        }
        for comment in comments {
            if lines.peek().is_some_and(|(_, next)| next.starts_with("```")) {
                continue;
            }
            let last = statements.last_mut().unwrap();
            match comment.strip_prefix("proof: ") {
                Some(proof) => last.proofs.push(Proof::parse(proof, line)),
                None if comment == "advice" => last.is_advice = true,
                None => {
                    panic!("line {line}: `{comment}` is neither a proof nor the mark of a block")
                }
            }
        }
    }
    statements
}

fn begins_item(line: &str) -> bool {
    let is_numbered = line.split(". ").next().is_some_and(|it| it.parse::<u8>().is_ok());
    line.starts_with("- ") || is_numbered
}

/// A line without its comments, and the texts of those.
fn without_comments(line: &str) -> (String, Vec<&str>) {
    let (mut rest, mut content, mut comments) = (line, String::new(), Vec::new());
    while let Some((before, comment)) = rest.split_once("<!-- ") {
        let (comment, after) = comment.split_once(" -->").unwrap();
        content += before;
        comments.push(comment);
        rest = after;
    }
    (content + rest, comments)
}

impl Proof {
    pub(crate) fn parse(mark: &str, line: usize) -> Self {
        let (package, path) = mark.split_once(' ').unwrap_or_else(|| {
            panic!("line {line}: `{mark}` is not a package and the path of a test")
        });
        let mut modules: Vec<String> = path.split("::").map(str::to_owned).collect();
        let test = modules.pop().unwrap();
        Self { package: package.to_owned(), modules, test, line }
    }

    /// The files that the test can be in: of the integration tests, or of the sources, whose unit
    /// tests are in a module `tests` of the file.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let Some(package) = packages().find(|path| is_package(path, &self.package)) else {
            return Vec::new();
        };
        let mut modules = self.modules.clone();
        if modules.last().is_some_and(|last| last == "tests") {
            modules.pop();
        }
        let file = modules.join("/") + ".rs";
        vec![package.join("tests/it").join(&file), package.join("src").join(&file)]
    }
}

/// The directories of the workspace's packages.
fn packages() -> impl Iterator<Item = PathBuf> {
    let crates = fs::read_dir(root().join("crates")).unwrap().map(|entry| entry.unwrap().path());
    let others = ["examples", "examples/deployer", "tests", "tests/testbed"];
    crates.chain(others.into_iter().map(|path| root().join(path)))
}

fn is_package(directory: &Path, name: &str) -> bool {
    fs::read_to_string(directory.join("Cargo.toml"))
        .is_ok_and(|manifest| manifest.contains(&format!("\nname = \"{name}\"\n")))
}
