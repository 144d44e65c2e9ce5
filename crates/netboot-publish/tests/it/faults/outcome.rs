//! The checks after a publish over a bad network, however it ended.

use std::collections::BTreeMap;

use netboot_core::{Context, Release, ReleaseId};
use netboot_publish::{Error, Publisher, Receipt, Retention, VerifyDepth, VerifyScope};

use super::Reader;

/// Publishes over a bad network, and counts the results.
#[derive(Debug, Default)]
pub(crate) struct Outcomes {
    /// The number of successful publishes.
    pub(crate) succeeded: usize,
    /// The number of errors of each kind.
    pub(crate) failed: BTreeMap<String, usize>,
    /// The number of errors after which the new release was live.
    pub(crate) live_all_the_same: usize,
}

impl Outcomes {
    /// Publishes and checks the result. Either the release is live and whole, or there is an error
    /// with a hint, and the old or the new release is live and whole. Then the next publisher
    /// completes the release and leaves no leftovers.
    pub(crate) async fn check(
        &mut self,
        result: Result<Receipt, Error>,
        direct: &Publisher,
        reader: &Reader,
        before: &ReleaseId,
        next: &Release,
        what: &str,
    ) {
        let (live, _) = reader.boot().await;
        match result {
            Ok(_) => {
                assert_eq!(live, *next.id(), "{what}: published, and not live");
                self.succeeded += 1;
            }
            Err(error) => {
                assert!([before, next.id()].contains(&&live), "{what}: {live} is live: {error}");
                self.live_all_the_same += usize::from(live == *next.id());
                assert!(error.hint().is_some(), "{what}: without a remedy: {error:?}");
                *self.failed.entry(name_of(&error)).or_default() += 1;
            }
        }
        let context = Context::new();
        let receipt = direct.publish(next, &context).await;
        let receipt = receipt.unwrap_or_else(|error| panic!("{what}: {error:?}"));
        assert_eq!(receipt.release, *next.id(), "{what}");
        assert_eq!(reader.boot().await.0, *next.id(), "{what}");
        let retention =
            Retention::default().with_keep_last(1).with_grace(std::time::Duration::ZERO);
        direct.prune(&retention, &context).await.unwrap();
        let (scope, depth) = (VerifyScope::Everything, VerifyDepth::Content);
        let report = direct.verify(scope, depth, &context).await.unwrap();
        assert!(report.is_clean(), "{what}: {report}");
    }

    pub(crate) fn total(&self) -> usize {
        self.succeeded + self.failed.values().sum::<usize>()
    }
}

/// The kind of an error, and of the failure in it.
pub(crate) fn name_of(error: &Error) -> String {
    match error {
        Error::S3 { failure, .. } => format!("S3 {failure:?}"),
        Error::Rsync { source } => format!("rsync {:?}", source.kind()),
        other => {
            let text = format!("{other:?}");
            text.split([' ', '{', '(']).next().unwrap().to_owned()
        }
    }
}
