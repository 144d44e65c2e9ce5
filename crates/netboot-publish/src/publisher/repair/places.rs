//! Repairing the files in the target's root: entry points, links, the script in the pointer.

use netboot_core::{Context, Manifest, layout};

use crate::error::Error;
use crate::finding::{Finding, NOT_LIVE};
use crate::pointer::{Pointer, PointerContent};
use crate::publisher::Publisher;
use crate::publisher::checks::place_state::PlaceState;
use crate::publisher::inventory::pointer_state::PointerState;
use crate::publisher::inventory::untrusted_manifest::read_exactly;
use crate::publisher::repair::report::RepairReport;
use crate::publisher::uploads::upload;
use crate::store::Swap;

impl Publisher {
    /// If the release is live, corrects its files in the target's root.
    pub(crate) async fn mend_places(
        &self,
        manifest: &Manifest,
        report: &mut RepairReport,
        context: &Context,
    ) -> Result<(), Error> {
        let store = self.store.as_ref();
        let _lock = store.lock(context).await?;
        let base = self.read_pointer().await?;
        if let Some(PointerContent::Untrusted { pointer, problem }) = &base.content
            && pointer.live() == Some(*manifest.release())
        {
            let (path, problem) = (base.path.clone(), problem.clone());
            report.remaining.push(Finding::UntrustedPointer { path, problem });
        }
        let Some(pointer) = base.pointer().filter(|_| base.live() == Some(*manifest.release()))
        else {
            return Ok(());
        };
        let places = self.places.look(store, manifest, &base).await?;
        for (path, state) in places.entry_points {
            let Some(finding) = state.finding(path.clone()) else { continue };
            let Some(expected) = manifest.entry_points().get(&path) else { continue };
            report.found.push(finding.clone());
            let mine = state != PlaceState::Foreign || self.places.replace_foreign;
            let blob = layout::blob(&expected.sha256);
            match read_exactly(store, manifest.release(), blob, *expected).await {
                Ok(text) if mine => report.mend(store, vec![upload(path, text)?], context).await?,
                Ok(_) | Err(Error::NotWhole { .. }) => report.remaining.push(finding),
                Err(error) => return Err(error),
            }
        }
        for (path, link) in places.links {
            let Some(finding) = link.state.finding(path.clone()) else { continue };
            report.found.push(finding.clone());
            if link.state == PlaceState::Foreign && !self.places.replace_foreign {
                report.remaining.push(finding);
                continue;
            }
            store.link(&[(path.clone(), link.target)].into()).await?;
            report.mended.insert(path, 0);
        }
        self.mend_pointer(manifest, &base, pointer, report).await
    }

    /// Replaces a wrong script in the pointer and keeps its history.
    async fn mend_pointer(
        &self,
        manifest: &Manifest,
        base: &PointerState,
        pointer: &Pointer,
        report: &mut RepairReport,
    ) -> Result<(), Error> {
        let script = manifest.pointer_text();
        let [now, older @ ..] = &pointer.history[..] else { return Ok(()) };
        let mut right = Pointer::new(&script, now.clone(), older)
            .map_err(|problem| Error::MalformedPointer { path: base.path.clone(), problem })?;
        if right.script == pointer.script {
            return Ok(());
        }
        let problem = NOT_LIVE.to_owned();
        let finding = Finding::BrokenPointer { path: base.path.clone(), problem };
        report.found.push(finding.clone());
        if self.would_unsign(base) {
            report.remaining.push(finding);
            return Ok(());
        }
        self.seal_again(&mut right, base).await?;
        let bytes = right.to_bytes();
        let size = bytes.len() as u64;
        match self.store.swap(&base.path, base.version.as_ref(), bytes).await? {
            Swap::Done => {
                report.mended.insert(base.path.clone(), size);
                self.remember(&right).await;
                Ok(())
            }
            Swap::Conflict => {
                let (pointer, expected) = (self.pointer.clone(), base.live());
                let found = self.read_pointer().await?.live();
                Err(Error::Conflict { pointer, expected, found })
            }
        }
    }
}
