//! How tests wait: for a condition, with a limit that no result depends on.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// The time after which a test gives up. It is far longer than any work of a test takes, also on a
/// slow machine that does other work.
pub(crate) const PATIENCE: Duration = Duration::from_secs(240);

/// Waits until the condition holds. `what` says in an error what did not happen.
pub(crate) async fn until(what: &str, condition: impl Fn() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(begin.elapsed() < PATIENCE, "{what} did not happen");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits for work that is to end. Only work that never ends makes it fail.
pub(crate) async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.expect("the work ends")
}

/// Repeats work until its outcome is as good as expected. A machine that pauses in the middle adds
/// questions, because old answers do not count, and separates what happens at once. Work that is
/// never so good makes the test fail.
pub(crate) async fn at_best<T: std::fmt::Debug>(
    mut work: impl AsyncFnMut() -> T,
    is_expected: impl Fn(&T) -> bool,
) {
    let begin = Instant::now();
    loop {
        let outcome = work().await;
        if is_expected(&outcome) {
            return;
        }
        assert!(begin.elapsed() < PATIENCE, "{outcome:#?}");
    }
}

/// A test that fails on a slow machine hides the faults that it was written for.
#[test]
fn no_test_expects_work_to_be_fast() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let mut wrong = Vec::new();
    for entry in walkdir::WalkDir::new(directory).into_iter().map(Result::unwrap) {
        let is_source = entry.path().extension().is_some_and(|extension| extension == "rs");
        if !is_source || entry.path().ends_with("patience.rs") {
            continue;
        }
        let text = fs::read_to_string(entry.path()).unwrap();
        for (number, line) in (1..).zip(text.lines()) {
            let compares = ["elapsed() <", "Instant::now() <"].map(|with| line.split_once(with));
            let mut limits = compares.into_iter().flatten().map(|(_, limit)| limit.trim());
            if limits.any(|limit| !limit.starts_with("PATIENCE"))
                || line.contains("timeout(Duration::from_secs(") && line.contains("tokio::")
            {
                wrong.push(format!("{}:{number}: {line}", entry.path().display()));
            }
        }
    }
    assert!(wrong.is_empty(), "use `until`, `soon` or PATIENCE:\n{}", wrong.join("\n"));
}
