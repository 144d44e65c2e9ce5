//! Hints, followed: what failed before works after a test did what the hint says.

mod accounts;
mod buckets;
mod daemons;
mod directories;
mod findings;
mod registries;
mod releases;
mod settings;
mod trust;

use std::sync::{Arc, Mutex};

use netboot_core::{Context, Event, ReleasePath};
use netboot_publish::{Error, Publisher, VerifyDepth, VerifyReport, VerifyScope};

/// Checks that an error has this hint, and returns the whole hint.
fn hint(error: &Error, part: &str) -> String {
    let hint = error.hint().unwrap_or_default();
    assert!(hint.contains(part), "{error}: {hint}");
    hint
}

fn path(text: &str) -> ReleasePath {
    text.parse().unwrap()
}

async fn verify(publisher: &Publisher) -> VerifyReport {
    let (scope, depth) = (VerifyScope::Everything, VerifyDepth::Content);
    publisher.verify(scope, depth, &Context::new()).await.unwrap()
}

async fn assert_clean(publisher: &Publisher) {
    let report = verify(publisher).await;
    assert!(report.is_clean(), "{report}");
}

/// Checks that a report has only findings with this hint.
fn assert_only(report: &VerifyReport, hint: &str) {
    assert!(!report.is_clean(), "nothing was found");
    for finding in &report.findings {
        assert!(finding.hint().contains(hint), "{finding}: {}", finding.hint());
    }
}

/// Warnings, with their hints.
type Warnings = Arc<Mutex<Vec<(String, String)>>>;

/// A context whose warnings are kept, with their hints.
fn listening() -> (Context, Warnings) {
    let warnings = Warnings::default();
    let kept = warnings.clone();
    let context = Context::new().with_events(move |event| {
        if let Event::Warning { message, hint, .. } = event {
            kept.lock().unwrap().push((message, hint.unwrap_or_default()));
        }
    });
    (context, warnings)
}
