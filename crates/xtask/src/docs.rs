//! Builds the documentation of the crates, and the book.

use std::path::{Path, PathBuf};
use std::process::Command;

use netboot_testbed::{target_directory, workspace_directory};

use crate::cargo::{cargo, step};
use crate::error::Error;

/// The version of mdBook. `cargo install` takes its dependencies from its own lock file.
const MDBOOK: &str = "0.5.4";

/// Builds the documentation of all crates, and the book into `target/book`.
///
/// # Errors
/// [`Error::Failed`] if there is a warning of rustdoc or a program fails, and
/// [`Error::BookWarnings`] if mdBook warns.
pub(crate) fn build() -> Result<(), Error> {
    let mut doc = cargo();
    doc.args(["doc", "--workspace", "--no-deps", "--all-features"]);
    doc.env("RUSTDOCFLAGS", "-D warnings");
    step("building the documentation of the crates", &mut doc)?;
    book(&mdbook()?)
}

/// Builds the book.
fn book(mdbook: &Path) -> Result<(), Error> {
    let mut build = Command::new(mdbook);
    build.args(["build", "--dest-dir"]).arg(target_directory().join("book"));
    let output = build
        .current_dir(workspace_directory())
        .output()
        .map_err(|source| Error::Start { program: mdbook.into(), source })?;
    let said = String::from_utf8_lossy(&output.stderr);
    let told = |line: &&str| line.contains("WARN") || line.contains("ERROR");
    let warnings: Vec<&str> = said.lines().filter(told).collect();
    if !warnings.is_empty() {
        return Err(Error::BookWarnings { warnings: warnings.join("\n") });
    }
    if !output.status.success() {
        return Err(Error::Failed { step: "building the book", status: output.status });
    }
    println!("the book: {}", target_directory().join("book/index.html").display());
    Ok(())
}

/// The program mdBook, which is compiled if it is not there.
fn mdbook() -> Result<PathBuf, Error> {
    let directory = target_directory().join(format!("mdbook-{MDBOOK}"));
    let program = directory.join("bin/mdbook");
    if !program.is_file() {
        let mut install = cargo();
        install.args(["install", "--quiet", "--locked", "--debug", "mdbook", "--version", MDBOOK]);
        install.args(["--no-default-features", "--features", "search", "--root"]).arg(&directory);
        step("compiling mdBook", &mut install)?;
    }
    Ok(program)
}
