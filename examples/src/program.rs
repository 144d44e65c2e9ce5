//! The frame of every program: progress, signals and failures.
#![expect(clippy::print_stderr, reason = "a program talks to its user")]

use std::process::ExitCode;

use netboot_core::{Context, Report};

use crate::progress::Progress;
use crate::signals::Signals;

/// Runs the work of a program. It shows the progress, cancels the work on a signal, and prints a
/// failure with its remedy.
pub async fn run_program(work: impl AsyncFnOnce(Context) -> Result<(), Report>) -> ExitCode {
    let progress = Progress::new(false);
    let signals = Signals::watch(&progress);
    let context = Context::new().with_events(progress).with_cancellation(signals.cancellation());
    match work(context).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(report) => {
            eprintln!("{}", report.in_full());
            ExitCode::from(signals.exit_code())
        }
    }
}
