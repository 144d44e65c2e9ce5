//! The reason that a store path is in a closure.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;

use crate::flake_answer::Output;
use crate::image::Parts;
use crate::secrets::store_paths::StorePaths;
use crate::size::{chains, references};

/// The chains of references to store paths.
pub(super) struct Origin(BTreeMap<String, Vec<String>>);

impl Origin {
    /// The paths that chains begin with: the system, the other parts, and their derivations. Paths
    /// that are only in `netboot.storeContents` follow the option's name.
    pub(super) fn roots(parts: &Parts) -> Vec<(Option<&'static str>, String)> {
        let of =
            |option, output: &Output| [&output.out, &output.drv].map(|it| (option, it.clone()));
        let contents = &parts.store_contents;
        let parts = [&parts.toplevel, &parts.kernel, &parts.initrd];
        let mut roots: Vec<_> = parts.iter().flat_map(|part| of(None, part)).collect();
        let option = Some("netboot.storeContents");
        roots.extend(contents.outputs.iter().flat_map(|output| of(option, output)));
        roots.extend(contents.sources.iter().map(|source| (option, source.clone())));
        roots
    }

    pub(super) fn new(roots: &[(Option<&'static str>, String)], paths: &StorePaths) -> Self {
        let is_derivation = |path: &&String| Path::new(path).extension() == Some(OsStr::new("drv"));
        let derivations = paths.requisites.iter().filter(is_derivation);
        let inputs: BTreeMap<&str, Vec<String>> =
            derivations.map(|path| (path.as_str(), inputs(path, paths))).collect();
        let mut all = BTreeMap::new();
        for (option, root) in roots {
            let of = |path: &str| {
                inputs.get(path).map_or_else(|| references(&paths.closure, path), Vec::as_slice)
            };
            for (path, chain) in chains(root, of) {
                let chain = option.iter().map(|it| (*it).to_owned()).chain(chain).collect();
                all.entry(path.to_owned()).or_insert(chain);
            }
        }
        Self(all)
    }

    pub(super) fn chain(&self, path: &str) -> Vec<String> {
        self.0.get(path).cloned().unwrap_or_default()
    }
}

/// The derivations and sources that a derivation names. Its file has each path in quotes.
fn inputs(derivation: &str, paths: &StorePaths) -> Vec<String> {
    let text = std::fs::read(derivation).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let parts = text.split('"').filter(|part| *part != derivation);
    parts.filter(|part| paths.requisites.contains(*part)).map(str::to_owned).collect()
}
