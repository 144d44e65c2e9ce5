//! The size of built images.

use std::collections::BTreeMap;

use netboot_closure::PathToPack;
use netboot_core::{Context, Event, Image, Payload, Profile};

use crate::builder::options::NixBuilder;
use crate::derivation_info::derivations;
use crate::error::Error;
use crate::flake_answer::Output;
use crate::image::Parts;
use crate::packing::{blobs, paths_to_pack, read_index, roots};
use crate::path_info::{PathInfo, closure};
use crate::size::StorePathSize;
use crate::size::{SizeReport, oversized_file};
use crate::stop::Stop;
use crate::store_copy::send_outputs;

/// The number of store paths that a warning names.
const NAMED_PATHS: usize = 5;

/// The store paths of a profile.
pub(super) struct ClosureOfParts {
    /// The NAR hashes of the parts, by path.
    pub(super) hashes: BTreeMap<String, String>,
    /// The closure of the parts without the initrd, and of `netboot.storeContents`.
    pub(super) closure: BTreeMap<String, PathInfo>,
    /// The store paths that a machine fetches by itself. It is empty if the initrd contains them.
    pub(super) to_pack: Vec<PathToPack>,
}

impl NixBuilder {
    pub(super) async fn report_size(
        &self,
        profile: &dyn Profile,
        image: &Image,
        context: &Context,
    ) -> Result<SizeReport, Stop> {
        let toplevel = image.provenance().outputs.get("toplevel");
        let Some(toplevel) = toplevel else {
            return Err(Error::NoToplevel { profile: profile.name().clone() }.into());
        };
        let index = match image.closure() {
            Some(closure) => Some(read_index(closure, profile.name()).await?),
            None => None,
        };
        let roots = index.as_ref().map_or_else(|| vec![toplevel.clone()], roots);
        let roots: Vec<&str> = roots.iter().map(String::as_str).collect();
        let closure = closure(&self.runner, &roots, context).await?;
        let blobs = index.as_ref().map(blobs).unwrap_or_default();
        let mut derivers: Vec<&str> =
            closure.values().filter_map(|info| info.deriver.as_deref()).collect();
        derivers.sort_unstable();
        derivers.dedup();
        let known = derivations(&self.runner, &derivers, context).await?;
        let budget = profile.size_budget();
        Ok(SizeReport::new(image, budget, toplevel, &closure, &blobs, &known))
    }

    /// Warns of the largest store paths of an image. The build succeeds anyway.
    pub(super) async fn name_the_largest(
        &self,
        profile: &dyn Profile,
        image: &Image,
        context: &Context,
    ) {
        let Ok(report) = self.report_size(profile, image, context).await else { return };
        let largest: Vec<String> =
            report.paths.iter().take(NAMED_PATHS).map(StorePathSize::to_string).collect();
        context.emit(Event::Warning {
            profile: Some(profile.name().clone()),
            message: format!("the largest store paths of the image: {}", largest.join("; ")),
            hint: Some("make a size report to see all of them".to_owned()),
        });
    }

    /// Sends the outputs to the binary caches.
    pub(super) async fn send(
        &self,
        outputs: &BTreeMap<&'static str, Output>,
        context: &Context,
    ) -> Result<(), Stop> {
        let outputs: Vec<&str> = outputs.values().map(|output| output.out.as_str()).collect();
        for cache in self.scale_out.caches() {
            send_outputs(&self.runner, cache, &outputs, context).await?;
        }
        Ok(())
    }

    /// The store paths of a profile. Returns an error if its initrd contains the system, and a
    /// file is too large for it.
    pub(super) async fn closure_of_parts(
        &self,
        parts: &Parts,
        profile: &dyn Profile,
        context: &Context,
    ) -> Result<ClosureOfParts, Stop> {
        let (payload, outputs) = (self.payload_of(profile), parts.outputs());
        let paths: Vec<&str> = outputs.values().map(|output| output.out.as_str()).collect();
        let contents = parts.store_contents.paths();
        let all: Vec<&str> = paths.iter().copied().chain(contents).collect();
        let mut closure = closure(&self.runner, &all, context).await?;
        let hash_of = |path: &str| Some((path.to_owned(), closure.get(path)?.nar_hash.clone()));
        let hashes = paths.into_iter().filter_map(hash_of).collect();
        let to_pack = match payload {
            Payload::Closure => paths_to_pack(parts, &closure, profile.name())?,
            _ => Vec::new(),
        };
        // The initrd's files are scanned by themselves.
        closure.remove(&parts.initrd.out);
        if payload == Payload::Ramdisk
            && let Some((path, size)) = oversized_file(&closure)?
        {
            let attribute = parts.attribute().to_owned();
            return Err(Error::FileTooLarge { attribute, path, size }.into());
        }
        Ok(ClosureOfParts { hashes, closure, to_pack })
    }
}
