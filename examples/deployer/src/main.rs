//! A service that builds, stages, proves, activates and rolls back netboot releases, and boots
//! machines from them. It is an example of what PlasmaCloud's deployer would be.
//!
//! The section "The deployer" of the README shows how to use it.

mod api;
mod api_error;
mod app;
mod attestation;
mod bearer;
mod boot;
mod causes;
mod claims;
mod config;
mod damage;
mod deployment;
#[cfg(test)]
mod fuzzing;
mod guesses;
mod hand_over;
mod health;
mod health_check;
mod hosts;
mod identity;
mod jobs;
mod machines;
mod notices;
mod per_peer;
mod published;
mod renewal;
mod report;
mod reports;
mod served_targets;
mod server;
mod start_error;
mod status_page;
mod target_views;
mod timestamp;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use netboot_cli::{Progress, Signals};
use netboot_core::Report;
use tokio::net::TcpListener;

use crate::app::App;
use crate::bearer::BearerToken;
use crate::config::Config;
use crate::start_error::StartError;

/// The time after the grace time of jobs and requests in which the process has to end.
const STOP: Duration = Duration::from_secs(5);

/// Build, stage, prove and activate netboot releases over HTTP, and boot machines from them.
#[derive(Debug, Parser)]
struct Arguments {
    /// The configuration: a TOML file.
    #[arg(long, value_name = "FILE", default_value = netboot_cli::configuration::FILE_NAME)]
    config: PathBuf,

    /// A file with the bearer token that requests need to change something. The default is the
    /// environment variable `DEPLOYER_TOKEN`.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,

    /// Check the configuration, and start nothing.
    #[arg(long)]
    check: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let progress = Progress::new(false).with_lines_after_stop();
    let ended = run(&arguments, &progress).await;
    progress.finish();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            progress.line(&Report::from(error).in_full());
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments, progress: &Progress) -> Result<(), StartError> {
    let config = Config::load(&arguments.config)?;
    if arguments.check {
        return Ok(());
    }
    let token = BearerToken::load(arguments.token_file.as_deref(), progress)?;
    let listen = config.listen;
    let failed = |source| StartError::Listen { address: listen, source };
    let listener = TcpListener::bind(listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let app = App::open(config, token, address, progress.clone())?;
    let stop = Signals::watch_within(progress, app.deployment.config.grace + STOP).cancellation();
    if !address.ip().is_loopback() {
        progress.line(&format!(
            "warning: everybody who reaches {address} can see the machines and read what they boot; \
             only changes need the token, and the network can read it: send changes over ssh, or \
             through a proxy with TLS"
        ));
    }
    progress.line(&format!("listening at http://{address}/"));
    app.jobs.resume().await;
    let serving = async {
        server::serve(app.clone(), listener, stop.clone()).await;
        stop.cancel();
    };
    let stopping = async {
        stop.cancelled().await;
        progress.line("stopping");
        app.jobs.stop(app.deployment.config.grace).await;
    };
    let renewing = renewal::renew_pointers(app.clone(), stop.clone());
    tokio::join!(serving, stopping, renewing);
    Ok(())
}

/// The commands for this service in the book, `docs/`, work.
#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::Arguments;
    use crate::jobs::JobRequest;

    /// The commands for this service in the book, each on one line.
    fn commands() -> Vec<String> {
        let text = [
            include_str!("../../../docs/operations/deployer-service.md"),
            include_str!("../../../docs/operations/install-plans.md"),
            include_str!("../../../docs/deployer.md"),
        ];
        let text = text.concat().replace("'$RELEASE'", &"1".repeat(64));
        let blocks = text.split("<!-- deployer -->\n```sh\n").skip(1);
        let blocks = blocks.map(|block| block.split("```").next().unwrap().replace("\\\n", " "));
        blocks.flat_map(|block| block.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
    }

    #[test]
    fn the_command_lines_of_the_book_are_taken() {
        let mut starts = 0;
        for command in commands() {
            if let Some(arguments) = command.strip_prefix("/opt/netboot/bin/deployer ") {
                Arguments::try_parse_from(
                    ["deployer"].into_iter().chain(arguments.split_whitespace()),
                )
                .unwrap();
                starts += 1;
            }
        }
        assert_eq!(starts, 3);
    }

    #[test]
    fn the_jobs_of_the_book_are_jobs() {
        let mut jobs = 0;
        for command in commands() {
            if let Some((_, rest)) = command.split_once("-d '") {
                let body = rest.split('\'').next().unwrap();
                serde_json::from_str::<JobRequest>(body).unwrap();
                assert!(rest.trim_end().ends_with("/api/jobs"), "{command}");
                jobs += 1;
            }
        }
        assert_eq!(jobs, 8);
    }
}
