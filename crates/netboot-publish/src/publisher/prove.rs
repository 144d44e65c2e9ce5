//! Booting a staged release before activation.

use std::collections::{BTreeMap, BTreeSet};

use netboot_core::{Context, Release, ReleaseId};

use crate::error::Error;
use crate::proof::{ProofReport, ProvenReceipt, Verdict};
use crate::prover::{Prover, StagedImage};
use crate::publisher::Publisher;
use crate::publisher::checks::depth::VerifyDepth;
use crate::publisher::checks::whole::require_whole;
use crate::publisher::prepare::Prepared;

impl Publisher {
    /// Stages a release, lets `prover` boot its images one after the other, and makes the release
    /// live if every image that the prover tries comes up.
    ///
    /// If an image does not come up or cannot be tried, the live release stays live. The new
    /// release stays staged for inspection; [`prune`](Self::prune) deletes it after its grace
    /// time. If another publisher makes a release live meanwhile, this fails with a conflict. After
    /// a time limit of the caller's, the release may be live, as after [`publish`](Self::publish).
    ///
    /// # Errors
    /// The errors of [`stage`](Self::stage), [`prove`](Self::prove) and
    /// [`activate`](Self::activate), in particular [`Error::NotProven`], which has the last lines
    /// of the consoles.
    pub async fn publish_proven(
        &self,
        release: &Release,
        prover: &dyn Prover,
        context: &Context,
    ) -> Result<ProvenReceipt, Error> {
        let prepared = self.prepare(release, context).await?;
        self.prove_prepared(release, &prepared, prover, context).await
    }

    /// Publishes a release as [`publish_proven`](Self::publish_proven) does, if `base` is live
    /// (`None`: no release), as [`publish_over`](Self::publish_over) does.
    ///
    /// # Errors
    /// The errors of [`publish_proven`](Self::publish_proven), and [`Error::Conflict`] if `base` is
    /// not live.
    pub async fn publish_proven_over(
        &self,
        base: Option<ReleaseId>,
        release: &Release,
        prover: &dyn Prover,
        context: &Context,
    ) -> Result<ProvenReceipt, Error> {
        let found = self.require_live(base).await?;
        let prepared = self.prepare_over(found, release, context).await?;
        self.prove_prepared(release, &prepared, prover, context).await
    }

    async fn prove_prepared(
        &self,
        release: &Release,
        prepared: &Prepared,
        prover: &dyn Prover,
        context: &Context,
    ) -> Result<ProvenReceipt, Error> {
        let proof = self.prove(release.id(), prover, context).await?;
        let receipt = self.activate_prepared(release, prepared, context).await?;
        Ok(ProvenReceipt { receipt, proof })
    }

    /// Lets `prover` boot the images of a staged release, all of them even if one does not come
    /// up. Changes nothing at the target; [`activate`](Self::activate) may follow.
    ///
    /// # Errors
    /// [`Error::NotProven`] if an image did not come up, [`Error::NothingToProve`] if the prover
    /// tries no image; [`Error::NotStaged`], [`Error::NotWhole`], [`Error::Signature`],
    /// [`Error::Cancelled`]; if an image could not be tried.
    pub async fn prove(
        &self,
        release: impl Into<ReleaseId>,
        prover: &dyn Prover,
        context: &Context,
    ) -> Result<ProofReport, Error> {
        let release = release.into();
        let trusted = self.read_trusted_manifest(&release).await?;
        require_whole(&self.store, trusted.manifest(), VerifyDepth::Listing, context).await?;
        let (mut proofs, mut failures) = (BTreeMap::new(), BTreeMap::new());
        let mut untried = BTreeSet::new();
        for (profile, image) in trusted.manifest().images() {
            let image = StagedImage {
                store: self.store.clone(),
                release,
                profile: profile.clone(),
                image: image.clone(),
            };
            if !prover.tries(&image) {
                untried.insert(profile.clone());
                continue;
            }
            context.check()?;
            match prover.prove(&image, context).await? {
                Verdict::CameUp(proof) => drop(proofs.insert(profile.clone(), proof)),
                Verdict::Failed(failure) => drop(failures.insert(profile.clone(), failure)),
            }
        }
        if !failures.is_empty() {
            return Err(Error::NotProven { release, failures });
        }
        if proofs.is_empty() {
            return Err(Error::NothingToProve { release });
        }
        Ok(ProofReport { release, proofs, untried })
    }
}
