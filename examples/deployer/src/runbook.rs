//! What `docs/operations.md` tells operators to ask this service for is what it takes.

use clap::Parser;

use crate::Arguments;
use crate::jobs::JobRequest;

/// The commands of the runbook that are for this service, each in one line.
fn commands() -> Vec<String> {
    let text = include_str!("../../../docs/operations.md");
    let blocks = text.split("<!-- deployer -->\n```sh\n").skip(1);
    let blocks = blocks.map(|block| block.split("```").next().unwrap().replace("\\\n", " "));
    blocks.flat_map(|block| block.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

#[test]
fn the_runbooks_command_lines_are_taken() {
    let mut starts = 0;
    for command in commands() {
        if let Some(arguments) = command.strip_prefix("/opt/netboot/bin/deployer ") {
            Arguments::try_parse_from(["deployer"].into_iter().chain(arguments.split_whitespace()))
                .unwrap();
            starts += 1;
        }
    }
    assert_eq!(starts, 2);
}

#[test]
fn the_runbooks_jobs_are_jobs() {
    let mut jobs = 0;
    for command in commands() {
        if let Some((_, rest)) = command.split_once("-d '") {
            let body = rest.split('\'').next().unwrap();
            serde_json::from_str::<JobRequest>(body).unwrap();
            assert!(rest.trim_end().ends_with("/api/jobs"), "{command}");
            jobs += 1;
        }
    }
    assert_eq!(jobs, 2);
}
