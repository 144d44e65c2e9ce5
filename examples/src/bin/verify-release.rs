//! Verifies published releases, in a directory or over HTTP as machines see them, and repairs a
//! directory from another directory that has the same release.

#![expect(clippy::print_stdout, reason = "a program talks to its user")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use netboot_core::{Context, Report};
use netboot_examples::run_program;
use netboot_publish::{
    Finding, LocalStore, PublicUrl, Publisher, RepairSource, TrustedKey, TrustedKeys, VerifyDepth,
    VerifyScope,
};

/// Verify published releases, and repair them.
#[derive(Debug, Parser)]
struct Arguments {
    /// A directory that was published to, or its URL as machines reach it.
    #[arg(value_name = "DIR|URL")]
    target: String,

    /// Compare sizes only, instead of reading every byte.
    #[arg(long)]
    quick: bool,

    /// The file of a public key of minisign. Releases must be signed with such a key. Can be
    /// repeated.
    #[arg(long = "key", value_name = "FILE")]
    keys: Vec<PathBuf>,

    /// The number of keys that must have signed a release.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    threshold: usize,

    /// Also verify this URL, which serves the directory: machines may see an older release, or find
    /// files missing.
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,

    /// Repair the directory with files from this other directory, which also has the release.
    #[arg(long, value_name = "DIR")]
    repair_from: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    run_program(async |context| run(&arguments, &context).await).await
}

async fn run(arguments: &Arguments, context: &Context) -> Result<(), Report> {
    let depth = if arguments.quick { VerifyDepth::Listing } else { VerifyDepth::Content };
    let keys = arguments.keys.iter().map(TrustedKey::read).collect::<Result<Vec<_>, _>>()?;
    let keys = match &keys[..] {
        [] => None,
        _ => Some(TrustedKeys::new(keys)?.with_threshold(arguments.threshold)?),
    };
    let directory = Path::new(&arguments.target);
    let findings = if directory.is_dir() {
        let mut publisher = Publisher::new(LocalStore::new(directory));
        if let Some(keys) = &keys {
            publisher = publisher.with_trusted_keys(keys.clone());
        }
        if let Some(mirror) = &arguments.repair_from {
            repair(&publisher, mirror, context).await?;
        }
        let report = publisher.verify(VerifyScope::Everything, depth, context).await?;
        println!("{report}");
        let mut findings = report.findings;
        if let Some(url) = &arguments.public_url {
            let mut url = PublicUrl::new(url)?;
            if let Some(keys) = keys {
                url = url.with_trusted_keys(keys);
            }
            let report = publisher.verify_public(&url, depth, context).await?;
            println!("{report}");
            findings.extend(report.findings);
        }
        findings
    } else {
        let mut url = PublicUrl::new(&arguments.target)?;
        if let Some(keys) = keys {
            url = url.with_trusted_keys(keys);
        }
        let report = url.verify(depth, context).await?;
        println!("{report}");
        report.findings
    };
    match findings.first().map(Finding::hint) {
        Some(hint) => Err(Report::message("the published files are damaged", hint)),
        None => Ok(()),
    }
}

/// Repairs the live release.
async fn repair(publisher: &Publisher, mirror: &Path, context: &Context) -> Result<(), Report> {
    let Some(live) = publisher.live().await? else { return Ok(()) };
    let mirror = RepairSource::mirror(&Publisher::new(LocalStore::new(mirror)));
    println!("{}", publisher.repair(&live, &[mirror], context).await?);
    Ok(())
}
