//! What every program does around its work.
#![expect(clippy::print_stderr, reason = "a program talks to its user")]

use std::process::ExitCode;

use netboot_core::Context;

use crate::{Failure, Progress, Signals};

/// Does the work of a program: shows its progress, ends it in order on a signal, and tells a
/// failure with its remedy.
pub async fn run_program(work: impl AsyncFnOnce(Context) -> Result<(), Failure>) -> ExitCode {
    let progress = Progress::new(false);
    let signals = Signals::watch(&progress);
    let context = Context::new().with_events(progress).with_cancellation(signals.cancellation());
    match work(context).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::from(signals.exit_code())
        }
    }
}
