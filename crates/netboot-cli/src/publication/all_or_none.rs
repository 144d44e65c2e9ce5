//! Publishing to all targets or to none.

use std::collections::{BTreeMap, BTreeSet};

use netboot_core::{Context, Image, Release, Report, SiteName};
use netboot_publish::{ActivationPolicy, ProofReport, Sites, SitesReport};

use super::Publication;
use super::destination::Destination;
use super::error::PublicationError;
use super::outcome::Published;

impl Publication {
    /// Publishes one release to all destinations, or to none of them.
    pub(super) async fn publish_all(
        &self,
        images: &[Image],
        context: &Context,
    ) -> Result<Vec<Published>, Report> {
        let (mut ids, mut any) = (BTreeSet::new(), None);
        for destination in self.open_destinations() {
            let publisher = &destination.publisher;
            let live = self.live(publisher).await?;
            let release = self.release_over(publisher, live.as_ref(), images, context).await?;
            ids.insert(*release.id());
            any = Some(release);
        }
        self.require_one_release(&ids)?;
        let Some(release) = any else { return Ok(Vec::new()) };
        let mut sites = Sites::builder().policy(ActivationPolicy::AllOrNone);
        for destination in self.open_destinations() {
            sites = sites.site(destination.site.clone(), destination.publisher.clone());
        }
        if let Some(timeout) = self.preparation.timeout {
            sites = sites.timeout(timeout);
        }
        let sites = sites.build()?;
        match &self.prover {
            None => Ok(self.outcomes(sites.publish(&release, context).await, &BTreeMap::new())),
            Some(_) => self.publish_proven(&sites, &release, context).await,
        }
    }

    /// Publishes a release after it came up from each of the destinations.
    async fn publish_proven(
        &self,
        sites: &Sites,
        release: &Release,
        context: &Context,
    ) -> Result<Vec<Published>, Report> {
        let staged = sites.stage(release, context).await;
        if staged.errors().next().is_some() {
            return Ok(self.outcomes(staged, &BTreeMap::new()));
        }
        let (mut proofs, mut unproven) = (BTreeMap::new(), BTreeMap::new());
        if let Some(prover) = self.prover.as_deref() {
            for destination in self.open_destinations() {
                let site = destination.site.clone();
                let context = context.at_site(&site);
                match destination.publisher.prove(release.id(), prover, &context).await {
                    Ok(proof) => drop(proofs.insert(site, proof)),
                    Err(error) => drop(unproven.insert(site, error)),
                }
            }
        }
        if unproven.is_empty() {
            return Ok(self.outcomes(sites.activate(release.id(), context).await, &proofs));
        }
        let mut outcomes = self.outcomes(staged, &proofs);
        for (destination, outcome) in self.open_destinations().iter().zip(&mut outcomes) {
            if let Some(error) = unproven.remove(&destination.site) {
                *outcome = Published::of_result(destination, Err(PublicationError::Publish(error)));
            }
        }
        Ok(outcomes)
    }

    /// The outcomes in the order of the destinations.
    fn outcomes(
        &self,
        report: SitesReport,
        proofs: &BTreeMap<SiteName, ProofReport>,
    ) -> Vec<Published> {
        let (release, mut sites) = (report.release, report.sites);
        let outcome = |destination: &Destination| {
            let outcome = sites.remove(&destination.site)?;
            let proof = proofs.get(&destination.site).cloned();
            Some(Published::of_site(destination, release, outcome, proof))
        };
        self.open_destinations().iter().filter_map(outcome).collect()
    }
}
