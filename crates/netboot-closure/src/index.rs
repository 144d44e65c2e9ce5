//! The index of a closure: its store paths, and the blob that holds each one.

pub(crate) mod entry;
mod parse;
pub(crate) mod problem;

use std::collections::BTreeMap;
use std::fmt;

use crate::error::Error;
use crate::index::entry::IndexEntry;
use crate::store_path::{STORE_DIRECTORY, StorePath};

/// The first line of every index. The number is the version of the format.
pub(crate) const FIRST_LINE: &str = "netboot-index 1";

/// The list of a closure's store paths.
///
/// An index has everything that a machine needs to assemble the closure: for each store path its
/// blob, the sizes, the digest of its archive, and what Nix's database needs to know. A machine
/// that got the right index therefore trusts nobody else.
///
/// # Format
/// UTF-8 lines, each with a newline at its end. Numbers are decimal, without leading zeros.
/// ```text
/// netboot-index 1
/// init <store>/<digest>-nixos-system-worker/init
/// unpacked <bytes in whole pages> <inodes>
/// paths <count>
/// <digest>-<name> <blob> <blob size> <NAR hash> <NAR size> <unpacked> <inodes> <deriver> <references>
/// ```
/// The directory of the store is `/nix/store`, unless Nix has another one. The lines of paths are
/// in the order of their names. A blob is named in base 16, a NAR hash in Nix's base 32. The
/// deriver is the name of a store path, or `-`. References are the numbers of other lines of paths,
/// from 0, in order, with a comma between them, or `-`. The totals of the third line are the sums
/// of the lines. Equal closures therefore have equal indexes, byte for byte.
///
/// ```
/// use netboot_closure::{Index, IndexEntry, Sha256, StorePath};
///
/// let toplevel = StorePath::from_base_name("s66mzxpvicwk07gjbjfw9izjfa797vsw-nixos-system-worker")?;
/// let index = Index::builder(format!("{toplevel}/init"))
///     .entry(IndexEntry {
///         path: toplevel,
///         blob: Sha256::from_bytes([1; 32]),
///         blob_size: 300,
///         nar_hash: Sha256::from_bytes([2; 32]),
///         nar_size: 1000,
///         unpacked_bytes: 4096,
///         inodes: 2,
///         deriver: None,
///         references: Vec::new(),
///     })
///     .build()?;
/// assert_eq!(index.to_string().parse::<Index>()?, index);
/// # Ok::<(), netboot_closure::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    init: String,
    entries: Vec<IndexEntry>,
}

impl Index {
    /// Begins the index of a closure whose system starts with the program `init`, an absolute path.
    pub fn builder(init: impl Into<String>) -> IndexBuilder {
        IndexBuilder { init: init.into(), entries: Vec::new() }
    }

    /// The program that stage 1 starts, as an absolute path.
    pub fn init(&self) -> &str {
        &self.init
    }

    /// The directory of the store: `/nix/store`, unless Nix was compiled or started with another
    /// one. `init` lies in it.
    pub fn store_directory(&self) -> &str {
        store_directory(&self.entries, &self.init).unwrap_or(STORE_DIRECTORY)
    }

    /// The store paths, in the order of their names.
    pub fn entries(&self) -> &[IndexEntry] {
        &self.entries
    }

    /// The bytes that the files of the closure take in a file system in memory, in whole pages.
    pub fn unpacked_bytes(&self) -> u64 {
        self.sum(|entry| entry.unpacked_bytes)
    }

    /// The number of files, directories and links in the closure.
    pub fn inodes(&self) -> u64 {
        self.sum(|entry| entry.inodes)
    }

    /// The sum of the blobs' sizes in bytes: what a machine fetches that has nothing yet. Store
    /// paths with one blob count once.
    pub fn blob_bytes(&self) -> u64 {
        let blobs: BTreeMap<_, _> =
            self.entries.iter().map(|entry| (entry.blob, entry.blob_size)).collect();
        blobs.values().fold(0, |sum, size| sum.saturating_add(*size))
    }

    /// Writes what `nix-store --load-db` reads, so that the database of the machine knows the
    /// closure (`decodeValidPathInfo` in Nix's `src/libstore/store-api.cc`).
    ///
    /// # Errors
    /// The errors of `f`.
    pub fn write_registration(&self, f: &mut impl fmt::Write) -> fmt::Result {
        let store = self.store_directory();
        for entry in &self.entries {
            let IndexEntry { path, nar_hash, nar_size, .. } = entry;
            writeln!(f, "{store}/{}\n{nar_hash}\n{nar_size}", path.base_name())?;
            match &entry.deriver {
                Some(deriver) => writeln!(f, "{store}/{}", deriver.base_name())?,
                None => writeln!(f)?,
            }
            writeln!(f, "{}", entry.references.len())?;
            for reference in &entry.references {
                writeln!(f, "{store}/{}", reference.base_name())?;
            }
        }
        Ok(())
    }

    fn sum(&self, part: impl Fn(&IndexEntry) -> u64) -> u64 {
        self.entries.iter().fold(0, |sum, entry| sum.saturating_add(part(entry)))
    }
}

/// Collects the parts of an [`Index`]. [`Index::builder`] creates it.
#[derive(Debug, Clone)]
#[must_use = "`build` makes the index"]
pub struct IndexBuilder {
    init: String,
    entries: Vec<IndexEntry>,
}

impl IndexBuilder {
    /// Adds a store path. The order does not matter.
    pub fn entry(mut self, entry: IndexEntry) -> Self {
        self.entries.push(entry);
        self
    }

    /// Makes the index.
    ///
    /// # Errors
    /// [`Error::DuplicatePath`], [`Error::MissingReference`], [`Error::InitOutside`].
    pub fn build(self) -> Result<Index, Error> {
        let Self { init, mut entries } = self;
        entries.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        let mut neighbours = entries.iter().zip(entries.iter().skip(1));
        if let Some((twice, _)) = neighbours.find(|(a, b)| a.path == b.path) {
            return Err(Error::DuplicatePath { path: twice.path.clone() });
        }
        for entry in &mut entries {
            entry.references.sort_unstable();
            entry.references.dedup();
        }
        for entry in &entries {
            let missing = entry.references.iter().find(|path| position(&entries, path).is_none());
            if let Some(reference) = missing {
                let (path, reference) = (entry.path.clone(), reference.clone());
                return Err(Error::MissingReference { path, reference });
            }
        }
        if store_directory(&entries, &init).is_none() {
            return Err(Error::InitOutside { init });
        }
        Ok(Index { init, entries })
    }
}

/// Returns the position of a store path.
fn position(entries: &[IndexEntry], path: &StorePath) -> Option<usize> {
    entries.binary_search_by(|entry| entry.path.cmp(path)).ok()
}

/// Returns the directory of the store, if a program lies below a store path of the closure and its
/// path is plain: a kernel command line can have it, and no part of it leads elsewhere.
fn store_directory<'a>(entries: &[IndexEntry], init: &'a str) -> Option<&'a str> {
    let is_plain = init.len() < 4096
        && init.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"')
        && init.starts_with('/')
        && init.split('/').skip(1).all(|part| !matches!(part, "" | "." | ".."));
    let mut directories = init.match_indices('/').map(|(end, _)| init.split_at(end));
    let is_store = |(directory, below): &(&str, &str)| {
        let name = below[1..].split_once('/').map(|(name, _)| name);
        let path = name.and_then(|name| StorePath::from_base_name(name).ok());
        !directory.is_empty() && path.is_some_and(|path| position(entries, &path).is_some())
    };
    directories.find(is_store).filter(|_| is_plain).map(|(directory, _)| directory)
}

/// Writes the format of [`Index`].
impl fmt::Display for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (init, entries) = (&self.init, &self.entries);
        writeln!(f, "{FIRST_LINE}\ninit {init}")?;
        writeln!(f, "unpacked {} {}", self.unpacked_bytes(), self.inodes())?;
        writeln!(f, "paths {}", entries.len())?;
        entries.iter().try_for_each(|entry| {
            write!(f, "{} {} {}", entry.path.base_name(), entry.blob, entry.blob_size)?;
            write!(f, " {} {}", entry.nar_hash.to_base32(), entry.nar_size)?;
            write!(f, " {} {}", entry.unpacked_bytes, entry.inodes)?;
            let deriver = entry.deriver.as_ref().map_or("-", StorePath::base_name);
            write!(f, " {deriver} ")?;
            if entry.references.is_empty() {
                return f.write_str("-\n");
            }
            let numbers = entry.references.iter().filter_map(|path| position(entries, path));
            for (count, number) in numbers.enumerate() {
                let comma = if count == 0 { "" } else { "," };
                write!(f, "{comma}{number}")?;
            }
            f.write_str("\n")
        })
    }
}
