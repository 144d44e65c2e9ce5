//! Comparing the files that machines get over HTTP with the files at the target.

use netboot_core::{Context, Phase};

use crate::error::Error;
use crate::finding::Finding;
use crate::pointer::problem::PointerProblem;
use crate::pointer::{Pointer, PointerContent};
use crate::public_url::PublicUrl;
use crate::public_url::fetch::foreign;
use crate::public_url::verify::content_of_bytes;
use crate::publisher::Publisher;
use crate::publisher::checks::depth::VerifyDepth;
use crate::publisher::checks::meter::Meter;
use crate::publisher::inventory::untrusted_manifest::{
    UntrustedManifest, manifest_path, read_signature, signature_path,
};
use crate::verify_report::VerifyReport;

/// The number of times that the pointer is compared if other publishers replace it meanwhile.
const ATTEMPTS: usize = 3;

impl Publisher {
    /// Compares the files that machines get at `url` with the files of this target: the pointer,
    /// which a cache may hold back, the entry points, and the live release. The manifest and its
    /// signature come from the target itself. The pointer's name and the trusted keys are those of
    /// this publisher. A wrong answer of the server is a finding in the report, not an error.
    ///
    /// # Errors
    /// [`Error::PublicUrl`] if the server cannot be reached; [`Error::MalformedPointer`],
    /// [`Error::UntrustedPointer`],
    /// [`Error::NotStaged`], [`Error::MalformedManifest`] if the target itself is damaged
    /// ([`verify`](Self::verify) says more about that); [`Error::Cancelled`].
    pub async fn verify_public(
        &self,
        url: &PublicUrl,
        depth: VerifyDepth,
        context: &Context,
    ) -> Result<VerifyReport, Error> {
        let _phase = context.phase(Phase::Verifying, None);
        let url = url.clone().with_pointer(self.pointer.clone())?;
        let path = self.pointer_path();
        let mut attempt = 1;
        loop {
            let mut report = VerifyReport::default();
            let before = self.read_pointer().await?;
            before.trusted()?;
            let fetched = url.fetch_sound(&path, &mut report, context).await?;
            let Some(here) = before.pointer() else {
                // If no release is live, a missing pointer is right.
                report.findings.retain(|finding| !matches!(finding, Finding::Missing { .. }));
                if let Some(PointerContent::Pointer(there)) =
                    fetched.as_ref().map(|fetched| Pointer::parse(&fetched.bytes))
                {
                    let age = fetched.and_then(|fetched| fetched.age);
                    report.findings.push(Finding::Stale { path, live: there.live(), age });
                }
                return Ok(report);
            };
            if let Some(fetched) = &fetched
                && fetched.bytes != here.to_bytes()
            {
                if self.read_pointer().await?.version != before.version && attempt < ATTEMPTS {
                    attempt += 1;
                    continue;
                }
                let trust = self.pointer_trust();
                let place = trust.place(self.store.as_ref()).await?;
                let (parsed, known) = (Pointer::parse(&fetched.bytes), before.known.as_ref());
                report.findings.push(
                    match trust.admit(&place, &self.pointer, parsed, known).await {
                        PointerContent::Pointer(there)
                        | PointerContent::Untrusted {
                            pointer: there,
                            problem: PointerProblem::RolledBack { .. },
                        } => Finding::Stale {
                            path: path.clone(),
                            live: there.live(),
                            age: fetched.age,
                        },
                        PointerContent::Untrusted { problem, .. } => {
                            Finding::UntrustedPointer { path: path.clone(), problem }
                        }
                        PointerContent::Malformed { problem, .. } => {
                            Finding::BrokenPointer { path: path.clone(), problem }
                        }
                        PointerContent::Foreign => foreign(path.clone(), fetched),
                    },
                );
            }
            if let Some(problem) = self.pointer_trust().expired(here) {
                let path = path.clone();
                report.findings.push(Finding::UntrustedPointer { path, problem });
            }
            let Some(live) = here.live() else { return Ok(report) };
            let store = self.store.as_ref();
            let stored = UntrustedManifest::require(store, &live).await?;
            let mut records = vec![(manifest_path(&live), stored.json().clone())];
            let signature = read_signature(store, &live).await?;
            records.extend(signature.map(|signature| (signature_path(&live), signature)));
            for (path, bytes) in records {
                let expected = content_of_bytes(&bytes);
                let on = (&Meter::new(expected.size, context), context);
                let (findings, hashed) = url.check_bytes(path, expected, false, on).await?;
                report.findings.extend(findings);
                report.hashed_bytes += hashed;
            }
            if let Some(problem) = self.signing.problem(store, &stored).await? {
                report.findings.push(Finding::Signature { release: live, problem });
            }
            url.check_release(stored.unchecked(), &here.script, depth, &mut report, context)
                .await?;
            return Ok(report);
        }
    }
}
