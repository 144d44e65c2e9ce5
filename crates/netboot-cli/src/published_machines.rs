//! The machines that published releases list.

use std::collections::BTreeSet;
use std::fmt;

use futures::{StreamExt, TryStreamExt, stream};
use netboot_core::{Content, Manifest, ReleaseId, ReleasePath, Sha256Digest, counted, layout};
use netboot_ipxe::{MachineName, listed_machines};
use netboot_publish::{Error, Publisher};

/// The number of scripts that are read at once.
const AT_ONCE: usize = 16;

/// The number of machines that a message names.
const NAMED: usize = 5;

/// Machines that one release lists and another one does not.
#[derive(Debug)]
pub(crate) struct LostMachines {
    names: BTreeSet<MachineName>,
    /// True if the other release lists no machine at all.
    pub(crate) is_all: bool,
}

impl LostMachines {
    /// The machines of `live` that are not among `listed`; `None` if all are.
    pub(crate) fn of(live: &BTreeSet<MachineName>, listed: &BTreeSet<MachineName>) -> Option<Self> {
        let lost: BTreeSet<MachineName> = live.difference(listed).cloned().collect();
        (!lost.is_empty()).then_some(Self { names: lost, is_all: listed.is_empty() })
    }
}

/// The number of the machines, and the names of the first ones.
impl fmt::Display for LostMachines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<&str> = self.names.iter().take(NAMED).map(MachineName::as_str).collect();
        if self.names.len() > NAMED {
            names.push("...");
        }
        write!(f, "{} ({})", counted(self.names.len(), "machine"), names.join(", "))
    }
}

/// The machines of the release `from` that the release `to` does not list. A release that is not
/// there any more lists none.
///
/// # Errors
/// If the target cannot be read.
pub(crate) async fn lost(
    publisher: &Publisher,
    from: &ReleaseId,
    to: &ReleaseId,
) -> Result<Option<LostMachines>, Error> {
    let there = match machines_of(publisher, from).await {
        Err(
            Error::NotStaged { .. } | Error::MalformedManifest { .. } | Error::Signature { .. },
        ) => return Ok(None),
        there => there?,
    };
    if there.is_empty() {
        return Ok(None);
    }
    Ok(LostMachines::of(&there, &machines_of(publisher, to).await?))
}

/// The machines that a release lists. A script that is missing or damaged lists none.
///
/// # Errors
/// If the manifest of the release cannot be used, or the target cannot be read.
pub(crate) async fn machines_of(
    publisher: &Publisher,
    release: &ReleaseId,
) -> Result<BTreeSet<MachineName>, Error> {
    let manifest = publisher.manifest(release).await?;
    let boot = layout::boot_script();
    let Some(content) = manifest.files().get(&boot) else { return Ok(BTreeSet::new()) };
    let script = read(publisher, layout::in_release(release, &boot), *content).await?;
    let scripts = further_scripts(&manifest, &script).into_iter();
    let reads = scripts.map(|(path, content)| read(publisher, path, content));
    let texts: Vec<String> = stream::iter(reads).buffered(AT_ONCE).try_collect().await?;
    Ok(texts.iter().chain([&script]).flat_map(|text| listed_machines(text)).collect())
}

/// The scripts besides `boot.ipxe` that may list machines: the tables that it chains, and the files
/// of machines.
fn further_scripts(manifest: &Manifest, boot: &str) -> Vec<(ReleasePath, Content)> {
    let chained: String = boot.lines().filter(|line| line.starts_with("chain ")).collect();
    let is_chained = |(sha256, _): &(&Sha256Digest, &u64)| chained.contains(&sha256.to_string());
    let tables = manifest.blobs().iter().filter(is_chained);
    let tables = tables
        .map(|(sha256, size)| (layout::blob(sha256), Content { size: *size, sha256: *sha256 }));
    let files = manifest.files().iter().filter(|(path, _)| path.as_str().starts_with("machines/"));
    let files =
        files.map(|(path, content)| (layout::in_release(manifest.release(), path), *content));
    tables.chain(files).collect()
}

/// The text of a script; empty if it is missing or damaged.
async fn read(publisher: &Publisher, path: ReleasePath, content: Content) -> Result<String, Error> {
    let found = publisher.store().read(&path).await?.map(|document| document.bytes);
    let right = found.filter(|bytes| Sha256Digest::of(bytes) == content.sha256);
    Ok(right.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default())
}
