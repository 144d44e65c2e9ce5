//! Work on threads that may block.

use tokio::task::{JoinError, spawn_blocking};

use crate::error::Error;

/// Runs `work` on a thread that may block, and returns its result.
///
/// A panic of `work` goes on in the caller. `work` also runs to its end if the future is dropped,
/// so it must never leave a half-written file in place.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let sum = netboot_core::blocking(|| Ok::<u32, netboot_core::Error>((1..=4).sum())).await?;
/// assert_eq!(sum, 10);
/// # Ok::<(), netboot_core::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The error of `work`, or [`Error::Cancelled`] if the runtime ends first.
pub async fn blocking<T: Send + 'static, E: From<Error> + Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, E> {
    joined(spawn_blocking(work).await)?
}

/// The result of a task. A panic of the task goes on in the caller.
///
/// ```should_panic
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let task = tokio::spawn(async { panic!("a defect") });
/// netboot_core::joined(task.await)
/// # }).unwrap();
/// ```
///
/// # Errors
/// [`Error::Cancelled`] if the task was aborted or the runtime ends.
pub fn joined<T>(result: Result<T, JoinError>) -> Result<T, Error> {
    result.map_err(|error| match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => Error::Cancelled,
    })
}
