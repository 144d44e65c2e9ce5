//! Work on files, away from the threads that drive futures.

use crate::Error;
use crate::process::Stop;

/// Runs `work` on a thread that may block. It goes on if the future is dropped, so it has to leave
/// whole files only.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Stop> {
    netboot_core::blocking(move || work().map_err(Stop::from)).await
}
