//! Publishing images to one or more targets, together with the profiles that are live there.

mod all_or_none;
mod destination;
mod each;
mod error;
mod live;
mod machines;
mod outcome;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use netboot_core::{Context, Event, Image, Profile, ProfileName, Release, ReleaseId, Report};
use netboot_ipxe::Renderer;
use netboot_publish::{ActivationPolicy, Prover, Publisher};

pub(crate) use self::destination::{Destination, open_destinations};
use self::error::PublicationError;
pub(crate) use self::machines::ListedMachines;
pub(crate) use self::outcome::{Published, answer};
use crate::session::Session;

/// Images become a release at each destination. The profiles that are live there and that are not
/// among the images stay in the release.
#[derive(Debug)]
pub(crate) struct Publication {
    pub(crate) destinations: Vec<Destination>,
    pub(crate) policy: ActivationPolicy,
    pub(crate) renderer: Renderer,
    pub(crate) machines: ListedMachines,
    /// True if a pointer that nobody trusts is replaced.
    pub(crate) replaces_untrusted: bool,
    pub(crate) prover: Option<Arc<dyn Prover>>,
    /// The time that publishing to a target may take.
    pub(crate) timeout: Option<Duration>,
}

impl Publication {
    /// Finds out, before images of `profiles` are built, what would keep their release from going
    /// live: a title or a parameter that scripts cannot have, a list of machines that is missing, a
    /// file of another program, a target that cannot be written. Tells which machines are left out.
    ///
    /// # Errors
    /// The first obstacle.
    pub(crate) async fn rehearse(
        &self,
        profiles: &[&dyn Profile],
        session: &Session,
    ) -> Result<(), Report> {
        if self.destinations.is_empty() {
            // The scripts are written all the same.
            self.renderer.render_draft(profiles.iter().copied(), [])?;
        }
        let names = profiles.iter().map(|profile| profile.name()).collect();
        let mut drafts = BTreeSet::new();
        for destination in &self.destinations {
            let publisher = &destination.publisher;
            let live = self.live(publisher).await?;
            let lost = self.machines.lost(publisher, live.as_ref()).await?;
            if let Some(lost) = lost {
                session.progress.line(&format!("{}: {lost}", destination.target));
            }
            let kept = kept_images(publisher, live.as_ref(), &names).await?;
            let draft = self.renderer.render_draft(profiles.iter().copied(), kept)?;
            publisher.rehearse(&draft, &session.context).await?;
            drafts.insert(*draft.id());
        }
        self.require_one_release(&drafts)
    }

    /// Publishes `images`. There is an outcome for each destination, in their order.
    ///
    /// # Errors
    /// If all destinations have to change together, and the release cannot be made.
    pub(crate) async fn publish(
        &self,
        images: &[Image],
        context: &Context,
    ) -> Result<Vec<Published>, Report> {
        match (self.policy, &self.destinations[..]) {
            (ActivationPolicy::AllOrNone, [_, _, ..]) => self.publish_all(images, context).await,
            _ => Ok(self.publish_each(images, context).await),
        }
    }

    /// The release of `images` and of the other profiles of the release `live`.
    async fn release_over(
        &self,
        publisher: &Publisher,
        live: Option<&ReleaseId>,
        images: &[Image],
    ) -> Result<Release, PublicationError> {
        // Somebody else may have published since the rehearsal.
        self.machines.require(publisher, live).await?;
        let names: BTreeSet<&ProfileName> = images.iter().map(Image::profile).collect();
        let kept = kept_images(publisher, live, &names).await?;
        let mut images: Vec<Image> = images.iter().cloned().chain(kept).collect();
        images.sort_by(|one, other| one.profile().cmp(other.profile()));
        Ok(self.renderer.render_release(images)?)
    }

    /// Fails if all targets have to go live together, and keep different profiles.
    fn require_one_release(&self, releases: &BTreeSet<ReleaseId>) -> Result<(), Report> {
        if self.policy == ActivationPolicy::AllOrNone && releases.len() > 1 {
            return Err(Report::message(
                "the targets have different profiles live, so no release suits all of them",
                "give all profiles at once, or publish to each target by itself: leave out \
                 `--all-or-none`",
            ));
        }
        Ok(())
    }
}

/// The images of the live release, except those of `names`.
async fn kept_images(
    publisher: &Publisher,
    live: Option<&ReleaseId>,
    names: &BTreeSet<&ProfileName>,
) -> Result<Vec<Image>, netboot_publish::Error> {
    let Some(live) = live else { return Ok(Vec::new()) };
    let images = publisher.images(live).await?;
    Ok(images.into_iter().filter(|image| !names.contains(image.profile())).collect())
}

/// A context whose events tell the destination, as those of `netboot_publish::Sites` do.
fn at_destination(destination: &Destination, context: &Context) -> Context {
    let (site, parent) = (destination.site.clone(), context.clone());
    Context::new().with_cancellation(context.cancellation().clone()).with_events(move |event| {
        parent.emit(Event::AtSite { site: site.clone(), event: Box::new(event) });
    })
}
