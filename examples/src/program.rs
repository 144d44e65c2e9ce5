//! The frame of every program: progress, signals and failures.

use std::process::ExitCode;

use netboot_cli::{Progress, Signals};
use netboot_core::{Context, Report};

/// Runs the work of a program. It shows the progress, cancels the work on a signal, and prints a
/// failure with its remedy.
pub async fn run_program(work: impl AsyncFnOnce(Context) -> Result<(), Report>) -> ExitCode {
    let progress = Progress::new(false);
    let signals = Signals::watch(&progress);
    let context =
        Context::new().with_events(progress.clone()).with_cancellation(signals.cancellation());
    match work(context).await {
        Ok(()) => {
            progress.finish();
            ExitCode::SUCCESS
        }
        Err(report) => {
            progress.end(&report.in_full());
            signals.exit_code().unwrap_or(1).into()
        }
    }
}
