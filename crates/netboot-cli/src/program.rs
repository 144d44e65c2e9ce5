//! The frame of the program: it runs one command, and shows its answer or its failure.

use std::error::Error as _;
use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use netboot_core::{Context, Report};
use serde_json::json;

use crate::answer::Answer;
use crate::arguments::Arguments;
use crate::progress::Progress;
use crate::session::Session;
use crate::signals::Signals;

/// Runs the program `netboot` with the arguments of this process.
///
/// Answers go to standard output; progress and failures go to standard error. The exit code is 0 if
/// the work was done, 1 if it failed, 2 if the command line is wrong, 3 if a check found something,
/// and 128 plus the number of a signal that ended the work.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let progress = Progress::new(false);
            progress.line(&format!("error: the program cannot start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    runtime.block_on(work(arguments))
}

async fn work(arguments: Arguments) -> ExitCode {
    let Arguments { options, command } = arguments;
    let as_json = options.json;
    let progress = Progress::new(options.verbose);
    let signals = Signals::watch(&progress);
    let context =
        Context::new().with_events(progress.clone()).with_cancellation(signals.cancellation());
    let session = Session::new(context, progress.clone(), options);
    match command.run(&session).await {
        Ok(answer) => {
            print(&answer.shown(as_json));
            ExitCode::from(answer.exit_code())
        }
        Err(report) => {
            progress.line(&report.in_full());
            if as_json {
                print(&failure(&report).shown(true));
            }
            ExitCode::from(signals.exit_code())
        }
    }
}

/// A failure as an object.
fn failure(report: &Report) -> Answer {
    let mut causes = Vec::new();
    let mut cause = report.source();
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    let object = json!({ "message": report.to_string(), "causes": causes, "hint": report.hint() });
    Answer::new(report, json!({ "error": object }))
}

/// Writes to standard output. A reader that went away, as `head` does, is no failure.
fn print(text: &str) {
    let mut output = std::io::stdout().lock();
    let _ = output.write_all(text.as_bytes()).and_then(|()| output.flush());
}
