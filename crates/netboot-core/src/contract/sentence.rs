//! The frame of each check of a suite: a failure names the sentences that are checked.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

/// Runs the check of some sentences of a contract, which the documentation of a trait or a type
/// numbers.
///
/// A suite runs each of its checks through this function. Whatever panics in a check, an assertion
/// or an `unwrap`, the failure names the sentences.
///
/// ```should_panic
/// use netboot_core::contract::check_sentences;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// check_sentences("Scale", &[2], async {
///     assert_eq!(1 + 1, 3, "a scale adds");
/// })
/// .await;
/// // sentence 2 of the contract of `Scale` is broken: … a scale adds …
/// # }
/// ```
///
/// # Panics
/// If `check` panics. The message begins with the sentences and ends with the message of `check`.
pub async fn check_sentences<T>(
    contract: &str,
    sentences: &[u8],
    check: impl Future<Output = T>,
) -> T {
    let mut check = pin!(check);
    let result = std::future::poll_fn(|context| {
        // After a panic, nothing looks at the state of the check any more.
        match catch_unwind(AssertUnwindSafe(|| check.as_mut().poll(context))) {
            Ok(polled) => polled.map(Ok),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    });
    match result.await {
        Ok(value) => value,
        Err(panic) => {
            let numbers: Vec<String> = sentences.iter().map(u8::to_string).collect();
            let numbers = numbers.join(" or ");
            panic!(
                "sentence {numbers} of the contract of `{contract}` is broken: {}",
                text(&*panic)
            )
        }
    }
}

/// The message of a panic.
fn text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a check panicked")
}
