//! Mending what lies in the target's root: entry points, links, the script in the pointer.

use netboot_core::{Context, Manifest, layout};

use super::RepairReport;
use crate::pointer::Pointer;
use crate::publisher::Publisher;
use crate::publisher::place::PlaceState;
use crate::publisher::target::{PointerState, upload};
use crate::store::Swap;
use crate::{Error, Finding};

impl Publisher {
    /// Puts right what belongs to the live release in the target's root, if it is this one.
    pub(super) async fn mend_places(
        &self,
        manifest: &Manifest,
        report: &mut RepairReport,
        context: &Context,
    ) -> Result<(), Error> {
        let _lock = self.store.lock(context).await?;
        let base = self.read_pointer().await?;
        let Some(pointer) = base.pointer().filter(|_| base.live() == Some(*manifest.release()))
        else {
            return Ok(());
        };
        let places = self.places(manifest, &base).await?;
        for (path, state) in places.entry_points {
            let Some(finding) = state.finding(path.clone()) else { continue };
            let Some(expected) = manifest.entry_points().get(&path) else { continue };
            report.found.push(finding.clone());
            let mine = state != PlaceState::Foreign || self.replace_foreign;
            let blob = layout::blob(&expected.sha256);
            match self.read_exactly(manifest, blob, *expected).await {
                Ok(text) if mine => self.mend(vec![upload(path, text)?], report, context).await?,
                Ok(_) | Err(Error::NotWhole { .. }) => report.remaining.push(finding),
                Err(error) => return Err(error),
            }
        }
        for (path, link) in places.links {
            let Some(finding) = link.state.finding(path.clone()) else { continue };
            report.found.push(finding.clone());
            if link.state == PlaceState::Foreign && !self.replace_foreign {
                report.remaining.push(finding);
                continue;
            }
            self.store.link(&[(path.clone(), link.target)].into()).await?;
            report.mended.insert(path, 0);
        }
        self.mend_pointer(manifest, &base, pointer, report).await
    }

    /// Replaces the script in a pointer whose history can be understood.
    async fn mend_pointer(
        &self,
        manifest: &Manifest,
        base: &PointerState,
        pointer: &Pointer,
        report: &mut RepairReport,
    ) -> Result<(), Error> {
        let script = layout::in_release(manifest.release(), &layout::release_pointer());
        let script = match self.read_exactly(manifest, script, manifest.pointer()).await {
            Ok(script) => script,
            // It is among what could not be mended.
            Err(Error::NotWhole { .. }) => return Ok(()),
            Err(error) => return Err(error),
        };
        let [now, older @ ..] = &pointer.history[..] else { return Ok(()) };
        let right = Pointer::new(&script, now.clone(), older)
            .map_err(|problem| Error::MalformedPointer { path: base.path.clone(), problem })?;
        if right.script == pointer.script {
            return Ok(());
        }
        let problem = "its script is not that of the live release".to_owned();
        report.found.push(Finding::BrokenPointer { path: base.path.clone(), problem });
        let bytes = right.to_bytes();
        let size = bytes.len() as u64;
        match self.store.swap(&base.path, base.version.as_ref(), bytes).await? {
            Swap::Done => {
                report.mended.insert(base.path.clone(), size);
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
