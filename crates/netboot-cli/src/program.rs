//! The frame of the program: it runs one command, and shows its answer or its failure.

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use netboot_core::{Context, Report};
use serde_json::json;

use crate::answer::{FAILED, USAGE};
use crate::arguments::Arguments;
use crate::error::Error;
use crate::failure::{Cancelled, failure_object};
use crate::misuse::Misuse;
use crate::operator_words::for_operators;
use crate::progress::Progress;
use crate::session::Session;
use crate::signals::Signals;
use crate::{standard_output, usage};

/// The time that a thread may take to end after the work is done. Longer ones hang in a call of a
/// file system that does not answer.
const END_LIMIT: Duration = Duration::from_secs(5);

/// Runs the program `netboot` with the arguments of this process.
///
/// Answers go to standard output; progress and failures go to standard error. The exit code is 0 if
/// the work was done, 1 if it failed, 2 if the command line or `netboot.toml` is wrong, 3 if a
/// check found something, and 128 plus the number of a signal that ended the work.
pub fn run() -> ExitCode {
    let given: Vec<OsString> = std::env::args_os().collect();
    let arguments = match Arguments::try_parse_from(&given) {
        Ok(arguments) => arguments,
        Err(error) => return usage::show(&error, usage::asks_for_json(&given)).into(),
    };
    let progress = Progress::new(arguments.options.verbose).with_words(for_operators);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            progress.end(&format!("error: the program cannot start: {error}"));
            return FAILED.into();
        }
    };
    let exit_code = runtime.block_on(work(arguments, &progress));
    runtime.shutdown_timeout(END_LIMIT);
    exit_code.into()
}

async fn work(arguments: Arguments, progress: &Progress) -> u8 {
    let Arguments { options, command } = arguments;
    let as_json = options.json;
    let signals = Signals::watch(progress);
    let context =
        Context::new().with_events(progress.clone()).with_cancellation(signals.cancellation());
    let session = Session::new(context, progress.clone(), options);
    let answered = Box::pin(command.run(&session)).await;
    let (report, text, exit_code) = match (answered, signals.exit_code()) {
        (Ok(answer), _) => {
            progress.finish();
            return printed(progress, &answer.shown(as_json), answer.exit_code());
        }
        // The signal may also have ended a child process, so that the failure says nothing new.
        (Err(report), Some(exit_code)) => {
            let is_told = report.downcast_ref::<Cancelled>().is_some();
            let report =
                if is_told { report } else { Cancelled::report("the work is not complete") };
            let text = report.to_string();
            (report, text, exit_code)
        }
        (Err(report), None) => {
            let text = for_operators(&report.in_full());
            let exit_code = if is_of_usage(&report) { USAGE } else { FAILED };
            (report, text, exit_code)
        }
    };
    progress.end(&text);
    if as_json {
        let object = json!({ "error": failure_object(&report) });
        return printed(progress, &format!("{object:#}\n"), exit_code);
    }
    exit_code
}

/// Returns true if the command line or `netboot.toml` is wrong, whatever else there is.
fn is_of_usage(report: &Report) -> bool {
    report.downcast_ref::<Misuse>().is_some()
        || report.downcast_ref::<Error>().is_some_and(Error::is_of_usage)
}

/// Writes to standard output, and returns the exit code.
fn printed(progress: &Progress, text: &str, exit_code: u8) -> u8 {
    match standard_output::write(text) {
        Ok(()) => exit_code,
        Err(problem) => {
            progress.end(&problem);
            FAILED
        }
    }
}
