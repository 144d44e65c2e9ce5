//! Publishing to each target by itself.

use futures::future::join_all;
use netboot_core::{Context, Image};
use netboot_publish::Error;

use super::Publication;
use super::destination::Destination;
use super::error::PublicationError;
use super::outcome::{Done, Published};

/// The number of times that a release is made again if somebody else publishes at the same time.
const ATTEMPTS: usize = 3;

impl Publication {
    /// Publishes to each destination by itself. Each keeps its own other profiles.
    pub(super) async fn publish_each(&self, images: &[Image], context: &Context) -> Vec<Published> {
        let is_one = self.open_destinations().len() == 1;
        let work = self.open_destinations().iter().map(|destination| async move {
            let context = if is_one { context.clone() } else { context.at_site(&destination.site) };
            let work = self.publish_to(destination, images, &context);
            Published::of_result(destination, self.preparation.step(work).await)
        });
        join_all(work).await
    }

    async fn publish_to(
        &self,
        destination: &Destination,
        images: &[Image],
        context: &Context,
    ) -> Result<Done, PublicationError> {
        let mut attempt = 1;
        loop {
            match self.publish_once(destination, images, context).await {
                Err(PublicationError::Publish(Error::Conflict { .. })) if attempt < ATTEMPTS => {
                    attempt += 1;
                }
                result => return result,
            }
        }
    }

    async fn publish_once(
        &self,
        destination: &Destination,
        images: &[Image],
        context: &Context,
    ) -> Result<Done, PublicationError> {
        let publisher = &destination.publisher;
        let live = self.live(publisher).await?;
        let release = self.release_over(publisher, live.as_ref(), images, context).await?;
        if self.is_staging {
            return Ok(Done::Staged(Box::new(publisher.stage(&release, context).await?)));
        }
        let Some(prover) = self.prover.as_deref() else {
            let receipt = publisher.publish_over(live, &release, context).await?;
            return Ok(Done::Live(Box::new(receipt), None));
        };
        let receipt = publisher.publish_proven_over(live, &release, prover, context).await?;
        Ok(Done::Live(Box::new(receipt.receipt), Some(receipt.proof)))
    }
}
