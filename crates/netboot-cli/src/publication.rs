//! Publishing images to one or more targets, together with the profiles that are live there.

mod all_or_none;
mod destination;
mod each;
mod error;
mod live;
mod machines;
mod obstacle;
mod opening;
mod outcome;

use std::collections::BTreeSet;
use std::sync::Arc;

use netboot_core::{Context, Image, Profile, ProfileName, Release, ReleaseId, Report};
use netboot_ipxe::Renderer;
use netboot_publish::{ActivationPolicy, Prover, Publisher};

pub(crate) use self::destination::Destination;
use self::error::PublicationError;
pub(crate) use self::machines::ListedMachines;
pub(crate) use self::obstacle::Preparation;
pub(crate) use self::opening::{Destinations, open_destinations};
pub(crate) use self::outcome::{Published, answer};
use crate::session::Session;

/// Images become a release at each destination. The profiles that are live there and that are not
/// among the images stay in the release.
#[derive(Debug)]
pub(crate) struct Publication {
    pub(crate) destinations: Destinations,
    pub(crate) policy: ActivationPolicy,
    /// True if the release does not go live.
    pub(crate) is_staging: bool,
    pub(crate) renderer: Renderer,
    pub(crate) machines: ListedMachines,
    /// True if a pointer that nobody trusts is replaced.
    pub(crate) replaces_untrusted: bool,
    pub(crate) prover: Option<Arc<dyn Prover>>,
    pub(crate) preparation: Preparation,
}

impl Publication {
    /// Finds out, before images of `profiles` are built, what would keep their release from going
    /// live: a title or a parameter that scripts cannot have, a list of machines that is missing, a
    /// file of another program, a target that cannot be written. Tells which machines are left out.
    ///
    /// # Errors
    /// The first obstacle, unless its target is left out.
    pub(crate) async fn rehearse(
        &mut self,
        profiles: &[&dyn Profile],
        session: &Session,
    ) -> Result<(), Report> {
        if !self.has_targets() {
            // The scripts are written all the same.
            self.renderer.render_draft(profiles.iter().copied(), [])?;
        }
        let names = profiles.iter().map(|profile| profile.name()).collect();
        let draft = async |publication: &Self, destination: &Destination| {
            let publisher = &destination.publisher;
            let live = publication.live(publisher).await?;
            let lost = publication.machines.lost(publisher, live.as_ref()).await?;
            if let Some(lost) = lost {
                session.progress.line(&format!("{}: {lost}", destination.target));
            }
            let kept = match &live {
                // A rehearsal sends nothing, so it needs no build logs.
                Some(live) => without(&names, publisher.images(live).await?),
                None => Vec::new(),
            };
            let draft = publication.renderer.render_draft(profiles.iter().copied(), kept)?;
            if !publication.is_staging {
                publisher.rehearse(&draft, &session.context).await?;
            }
            Ok(*draft.id())
        };
        let drafts = self.at_each(session, draft).await?;
        self.require_one_release(&drafts.into_iter().collect())
    }

    /// Fails if no release is live at a target, unless the target is left out.
    pub(crate) async fn require_live(&mut self, session: &Session) -> Result<(), Report> {
        let live = async |publication: &Self, destination: &Destination| {
            if publication.live(&destination.publisher).await?.is_some() {
                return Ok(());
            }
            Err(Report::message(
                format!("no release is live at `{}`", destination.target),
                "publish images first, with `netboot build` or `netboot publish`",
            ))
        };
        self.at_each(session, live).await.map(drop)
    }

    /// Does one step at all targets that are not left out.
    async fn at_each<T>(
        &mut self,
        session: &Session,
        step: impl AsyncFn(&Self, &Destination) -> Result<T, Report>,
    ) -> Result<Vec<T>, Report> {
        let Destinations { mut open, mut left_out } = std::mem::take(&mut self.destinations);
        let step = async |destination: &Destination| step(self, destination).await;
        let results = self.preparation.at_each(session, &mut open, &mut left_out, step).await;
        self.destinations = Destinations { open, left_out };
        results
    }

    /// Returns true if the command names a target.
    pub(crate) fn has_targets(&self) -> bool {
        !self.open_destinations().is_empty() || !self.destinations.left_out.is_empty()
    }

    /// The targets that are not left out.
    pub(crate) fn open_destinations(&self) -> &[Destination] {
        &self.destinations.open
    }

    /// The targets that are left out, each with the reason.
    pub(crate) fn left_out(&self) -> impl Iterator<Item = (&str, &Report)> {
        let left_out = self.destinations.left_out.iter();
        left_out.filter_map(|one| Some((one.outcome.target(), one.outcome.failure()?)))
    }

    /// Publishes `images`. There is an outcome for each target, in the order of the command line.
    ///
    /// # Errors
    /// If all destinations have to change together, and the release cannot be made.
    pub(crate) async fn publish(
        self,
        images: &[Image],
        context: &Context,
    ) -> Result<Vec<Published>, Report> {
        let mut outcomes = match (self.policy, self.open_destinations()) {
            (ActivationPolicy::AllOrNone, [_, _, ..]) => self.publish_all(images, context).await?,
            _ => self.publish_each(images, context).await,
        };
        // The positions ascend once they are sorted, so each outcome gets its place.
        let mut left_out = self.destinations.left_out;
        left_out.sort_by_key(|one| one.position);
        for one in left_out {
            outcomes.insert(one.position.min(outcomes.len()), one.outcome);
        }
        Ok(outcomes)
    }

    /// The release of `images` and of the other profiles of the release `live`.
    async fn release_over(
        &self,
        publisher: &Publisher,
        live: Option<&ReleaseId>,
        images: &[Image],
        context: &Context,
    ) -> Result<Release, PublicationError> {
        // Somebody else may have published since the rehearsal.
        self.machines.require(publisher, live).await?;
        let names: BTreeSet<&ProfileName> = images.iter().map(Image::profile).collect();
        let kept = match live {
            Some(live) => without(&names, publisher.images_with_logs(live, context).await?),
            None => Vec::new(),
        };
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

/// The images except those of `names`.
fn without(names: &BTreeSet<&ProfileName>, images: Vec<Image>) -> Vec<Image> {
    images.into_iter().filter(|image| !names.contains(image.profile())).collect()
}
