//! The time limits of tests.

use std::time::Duration;

/// The time after which a test gives up. It is far longer than any work of a test takes, also on a
/// slow machine that does other work.
pub const PATIENCE: Duration = Duration::from_secs(600);

/// Repeats work that ends by its time limit, each time with more time, until it came far enough. A
/// busy machine needs more time than a quiet one. Returns the last outcome and its limit, also if
/// it did not come far enough in [`PATIENCE`].
pub async fn with_enough_time<T>(
    first: Duration,
    mut attempt: impl AsyncFnMut(Duration) -> T,
    came_far: impl Fn(&T) -> bool,
) -> (T, Duration) {
    let mut limit = first;
    loop {
        let outcome = attempt(limit).await;
        if limit > PATIENCE || came_far(&outcome) {
            return (outcome, limit);
        }
        limit *= 4;
    }
}
