//! Targets that a publication leaves out, because something keeps it from publishing there.

use std::time::Duration;

use futures::future::join_all;
use netboot_core::Report;
use netboot_publish::Error;

use super::destination::Destination;
use super::outcome::Published;
use crate::misuse::Misuse;
use crate::session::Session;

/// The rule for the steps at targets: from opening one to making a release live there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Preparation {
    /// True if a target that fails does not keep the others from being published to.
    pub(crate) leaves_out: bool,
    /// The time that each step may take at a target.
    pub(crate) timeout: Option<Duration>,
}

/// A target that is left out.
#[derive(Debug)]
pub(super) struct LeftOut {
    /// The position of the target on the command line.
    pub(super) position: usize,
    pub(super) outcome: Published,
}

impl Preparation {
    /// Does one step at a target, within the time limit.
    pub(super) async fn step<T, E: From<Error>>(
        self,
        step: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        match self.timeout {
            None => step.await,
            Some(after) => tokio::time::timeout(after, step)
                .await
                .unwrap_or_else(|_| Err(Error::TimedOut { after }.into())),
        }
    }

    /// Does one step at all destinations at once. Moves each destination that fails to `left_out`,
    /// if that is wanted. Returns the results of the others, in their order.
    ///
    /// # Errors
    /// The first failure, unless failed targets are left out. A mistake on the command line, and
    /// a cancelled step, in any case.
    pub(super) async fn at_each<T>(
        self,
        session: &Session,
        destinations: &mut Vec<Destination>,
        left_out: &mut Vec<LeftOut>,
        step: impl AsyncFn(&Destination) -> Result<T, Report>,
    ) -> Result<Vec<T>, Report> {
        let steps = destinations.iter().map(|destination| self.step(step(destination)));
        let done = join_all(steps).await;
        let mut results = Vec::new();
        for (destination, done) in std::mem::take(destinations).into_iter().zip(done) {
            match done {
                Ok(result) => {
                    results.push(result);
                    destinations.push(destination);
                }
                Err(report) if self.may_leave_out(session, &report) => left_out.push(LeftOut {
                    position: destination.position,
                    outcome: Published::of_failure(destination.target.to_string(), report),
                }),
                Err(report) => return Err(report),
            }
        }
        Ok(results)
    }

    /// Returns true if a target with this failure is left out.
    fn may_leave_out(self, session: &Session, report: &Report) -> bool {
        let is_misuse = report.downcast_ref::<Misuse>().is_some();
        self.leaves_out && !is_misuse && session.context.check().is_ok()
    }
}
