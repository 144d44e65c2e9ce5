//! Packs the closure of a configuration: one blob for each store path.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use netboot_closure::{Index, IndexEntry, Packer, PathToPack, Sha256, StorePath};
use netboot_core::{Closure, Content, Context, InitPath, Profile, ProfileName, Sha256Digest};
use tokio::io::AsyncReadExt;

use crate::error::Error;
use crate::image::Parts;
use crate::path_info::PathInfo;
use crate::stop::{NAME, Stop};

/// Packs the store paths of a configuration, and makes their index.
pub(crate) async fn pack(
    packer: &Packer,
    parts: &Parts,
    paths: Vec<PathToPack>,
    profile: &dyn Profile,
    context: &Context,
) -> Result<Closure, Stop> {
    let init = format!("{}/init", parts.toplevel.out);
    match packer.pack_image(init.clone(), paths, profile.name(), context).await {
        Ok((_, closure)) => Ok(closure),
        Err(netboot_closure::Error::Cancelled) => Err(Stop::Cancelled),
        Err(netboot_closure::Error::InitOutside { .. }) => {
            let (profile, init) = (profile.name().clone(), InitPath::new(init)?);
            Err(netboot_core::Error::InitMissing { profile, init }.into())
        }
        Err(source) => Err(cannot_pack(profile.name(), source)),
    }
}

/// The store paths that a machine fetches: the closure of the system and of
/// `netboot.storeContents`. The initrd is among them only if the system refers to it.
pub(crate) fn paths_to_pack(
    parts: &Parts,
    closure: &BTreeMap<String, PathInfo>,
    profile: &ProfileName,
) -> Result<Vec<PathToPack>, Stop> {
    // Some versions of Nix leave out the directory of the store in references.
    let by_name: BTreeMap<&str, (&String, &PathInfo)> =
        closure.iter().map(|(path, info)| (base_name(path), (path, info))).collect();
    let roots = parts.store_contents.paths().chain([parts.toplevel.out.as_str()]);
    let mut waiting: Vec<&str> = roots.map(base_name).collect();
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    while let Some(name) = waiting.pop() {
        if seen.insert(name)
            && let Some((path, info)) = by_name.get(name)
        {
            waiting.extend(info.references.iter().map(|reference| base_name(reference)));
            found.push(path_to_pack(path, info, profile)?);
        }
    }
    Ok(found)
}

/// Reads the index of an image.
pub(crate) async fn read_index(closure: &Closure, profile: &ProfileName) -> Result<Index, Stop> {
    let unreadable = |source| netboot_core::Error::io("read", "the index of the closure", source);
    let mut bytes = Vec::new();
    let mut reader = closure.index.open().await?;
    reader.read_to_end(&mut bytes).await.map_err(unreadable)?;
    Index::from_compressed(&bytes).map_err(|source| cannot_pack(profile, source))
}

/// The store paths that no other one refers to.
pub(crate) fn roots(index: &Index) -> Vec<String> {
    let pairs = index
        .entries()
        .iter()
        .flat_map(|entry| entry.references.iter().filter(|reference| **reference != entry.path));
    let referred: BTreeSet<&StorePath> = pairs.collect();
    let roots = index.entries().iter().filter(|entry| !referred.contains(&entry.path));
    let store = index.store_directory();
    roots.map(|entry| format!("{store}/{}", entry.path.base_name())).collect()
}

/// The blobs of the store paths, by their names.
pub(crate) fn blobs(index: &Index) -> BTreeMap<String, Content> {
    let content = |entry: &IndexEntry| Content {
        size: entry.blob_size,
        sha256: Sha256Digest::from_bytes(*entry.blob.as_bytes()),
    };
    let entries = index.entries().iter();
    entries.map(|entry| (entry.path.base_name().to_owned(), content(entry))).collect()
}

fn path_to_pack(path: &str, info: &PathInfo, profile: &ProfileName) -> Result<PathToPack, Stop> {
    let store_path = |path: &str| {
        let parsed = StorePath::from_base_name(base_name(path));
        parsed.map_err(|source| cannot_pack(profile, source))
    };
    Ok(PathToPack {
        path: store_path(path)?,
        location: path.into(),
        nar_hash: nar_hash(&info.nar_hash)?,
        nar_size: info.nar_size,
        deriver: info.deriver.as_deref().map(store_path).transpose()?,
        references: info
            .references
            .iter()
            .map(|reference| store_path(reference))
            .collect::<Result<_, _>>()?,
    })
}

/// Reads a hash in the form `sha256-<base64>`.
fn nar_hash(text: &str) -> Result<Sha256, Error> {
    let base64 = text.strip_prefix("sha256-");
    let bytes = base64.and_then(|base64| STANDARD.decode(base64).ok()?.try_into().ok());
    bytes.map(Sha256::from_bytes).ok_or_else(|| Error::UnreadableOutput {
        program: "nix path-info".to_owned(),
        problem: format!("{text:?} is not the hash of a store path").into(),
    })
}

fn base_name(path: &str) -> &str {
    Path::new(path).file_name().and_then(|name| name.to_str()).unwrap_or(path)
}

fn cannot_pack(profile: &ProfileName, source: netboot_closure::Error) -> Stop {
    Stop::Core(netboot_core::Error::build(NAME, profile, source))
}
