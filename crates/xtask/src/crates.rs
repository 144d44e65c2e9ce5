//! Checks that the library's crates can be published: packages, features, dependencies and the
//! oldest Rust.

use std::process::{Command, ExitCode, Stdio};

use netboot_testbed::Testbed;

use crate::cargo::{cargo, succeeds};
use crate::dependencies;
use crate::error::Error;

/// The published crates, each after the crates that it needs.
const PUBLISHED: [&str; 14] = [
    "foreign-text",
    "ipxe-script",
    "netboot-closure",
    "netboot-core",
    "netboot-sbom",
    "netboot-process",
    "netboot-uki",
    "netboot-attestation",
    "netboot-nix",
    "netboot-ipxe",
    "netboot-publish",
    "netboot-serve",
    "netboot-qemu",
    "netboot-cli",
];

/// One check, done by a command of cargo.
struct Check {
    /// The subject of the check.
    name: &'static str,
    /// A command that succeeds if the check can be done.
    probe: Vec<String>,
    /// The way to install the missing tool.
    remedy: String,
    /// The arguments of the check.
    arguments: Vec<String>,
}

/// Runs the checks that this machine can run, and prints those that it cannot.
///
/// # Errors
/// [`Error::Start`] if there is no cargo.
pub(crate) fn check(testbed: &Testbed) -> Result<ExitCode, Error> {
    let (mut failed, mut missing) = (Vec::new(), Vec::new());
    for check in checks(env!("CARGO_PKG_RUST_VERSION")) {
        println!("\n== {}: cargo {}", check.name, check.arguments.join(" "));
        if !succeeds(cargo_of(&check.probe).stdout(Stdio::null()).stderr(Stdio::null()))? {
            println!("not checked: {}", check.remedy);
            missing.push(format!("{} ({})", check.name, check.remedy));
        } else if !succeeds(&mut cargo_of(&check.arguments))? {
            failed.push(check.name);
        }
    }
    if !dependencies::check(testbed)? {
        failed.push("dependencies");
    }
    println!();
    for name in &missing {
        println!("not checked: {name}");
    }
    for name in &failed {
        println!("failed: {name}");
    }
    println!("{}", if failed.is_empty() { "all checks passed" } else { "see above" });
    Ok(if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn checks(oldest_rust: &str) -> Vec<Check> {
    let check = |name, probe: &str, remedy: &str, command: &str| Check {
        name,
        probe: words(probe),
        remedy: remedy.to_owned(),
        arguments: words(command),
    };
    let packages = PUBLISHED.map(|name| format!("--package {name}")).join(" ");
    let hack = "cargo install cargo-hack";
    vec![
        check(
            "packages",
            "--version",
            "install cargo",
            &format!("package --allow-dirty --all-features {packages}"),
        ),
        check(
            "each feature alone, none, and all",
            "hack --version",
            hack,
            &format!("hack clippy --each-feature {packages} -- -D warnings"),
        ),
        check(
            "the oldest Rust",
            &format!("+{oldest_rust} hack --version"),
            &format!("rustup toolchain install {oldest_rust}, and {hack}"),
            &format!("hack check --rust-version --all-features {packages}"),
        ),
    ]
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

/// The command. If it starts with a toolchain, such as `+1.89`, rustup has to run it.
fn cargo_of(arguments: &[String]) -> Command {
    let chooses_toolchain = arguments.first().is_some_and(|first| first.starts_with('+'));
    let mut command = if chooses_toolchain { Command::new("cargo") } else { cargo() };
    command.args(arguments);
    command
}
