//! A memory of pointers in a file.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use netboot_core::PointerName;
use tempfile::NamedTempFile;

use crate::error::Error;
use crate::pointer_memory::{KnownPointer, KnownPointers, PointerMemory, add, find, names};

/// Remembers pointers in a file of JSON, which several programs may share.
///
/// The file is replaced as a whole and written through to the disk, so that a crash leaves the old
/// one or the new one. A file that cannot be understood is renamed, and the memory begins anew;
/// [`set_aside`](Self::set_aside) tells its new name. If the file can no longer be written, the
/// memory goes on without it until the program ends.
///
/// ```
/// use netboot_publish::{MemoryStore, PointerMemoryFile, Publisher};
///
/// # let state = tempfile::tempdir()?;
/// # let state = state.path();
/// let memory = PointerMemoryFile::open(state.join("pointers.json"))?;
/// if let Some(damaged) = memory.set_aside() {
///     println!("the memory of pointers was damaged and begins anew: see {}", damaged.display());
/// }
/// let publisher = Publisher::new(MemoryStore::new()).with_pointer_memory(memory);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct PointerMemoryFile {
    path: PathBuf,
    known: Mutex<KnownPointers>,
    set_aside: Option<PathBuf>,
}

impl PointerMemoryFile {
    /// Opens the memory at `path`. The file need not exist, but its directory has to. Asynchronous
    /// code calls it with [`netboot_core::blocking`].
    ///
    /// # Errors
    /// If its directory does not exist, if the file cannot be read, if it is damaged and cannot be
    /// renamed, or if no file can be written beside it, so that nothing would be remembered.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let path = path.into();
        let directory = directory(&path);
        let found = fs::metadata(directory);
        if !found.map_err(|source| named("find", directory, source))?.is_dir() {
            return Err(Error::NotADirectory { path: directory.to_owned() });
        }
        let (known, set_aside) = read(&path)?;
        NamedTempFile::new_in(directory).map_err(|source| named("write", &path, source))?;
        Ok(Self { path, known: Mutex::new(known), set_aside })
    }

    /// The new name of the file if it was damaged when this opened it.
    pub fn set_aside(&self) -> Option<&Path> {
        self.set_aside.as_deref()
    }

    /// Adds what other programs remembered meanwhile, and writes the file.
    fn write(&self, known: &mut KnownPointers) -> Result<(), Error> {
        let failed = |source| named("write", &self.path, source);
        // The lock file stays, since another program may have opened it. If the file of somebody
        // else has this name, its content stays too.
        let options = File::options().write(true).create(true).truncate(false).to_owned();
        let lock = options.open(with_suffix(&self.path, ".lock")).map_err(failed)?;
        lock.lock().map_err(failed)?;
        let (there, damaged) = read(&self.path)?;
        if let Some(damaged) = damaged {
            tracing::warn!(path = %damaged.display(), "set a damaged memory of pointers aside");
        }
        for (place, pointers) in &there {
            for (name, seen) in pointers {
                add(known, place, name, seen);
            }
        }
        let json = serde_json::to_vec_pretty(known).map_err(|error| failed(error.into()))?;
        let directory = directory(&self.path);
        let mut file = NamedTempFile::new_in(directory).map_err(failed)?;
        file.write_all(&json).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
        file.persist(&self.path).map_err(|error| failed(error.error))?;
        File::open(directory).and_then(|directory| directory.sync_all()).map_err(failed)
    }
}

impl PointerMemory for PointerMemoryFile {
    fn recall(&self, place: &str, pointer: &PointerName) -> Result<Option<KnownPointer>, Error> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(find(&known, place, pointer))
    }

    fn names(&self, place: &str) -> Result<BTreeSet<PointerName>, Error> {
        Ok(names(&self.known.lock().unwrap_or_else(PoisonError::into_inner), place))
    }

    fn remember(
        &self,
        place: &str,
        pointer: &PointerName,
        seen: &KnownPointer,
    ) -> Result<(), Error> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if add(&mut known, place, pointer, seen) { self.write(&mut known) } else { Ok(()) }
    }
}

/// Reads the file. Renames a file that cannot be understood, and returns its new name.
fn read(path: &Path) -> Result<(KnownPointers, Option<PathBuf>), Error> {
    let failed = |source| named("read", path, source);
    let json = match fs::read(path) {
        Ok(json) => json,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Default::default()),
        Err(error) => return Err(failed(error)),
    };
    if let Ok(known) = serde_json::from_slice(&json) {
        return Ok((known, None));
    }
    let free = |number: &u32| {
        let name = with_suffix(path, &format!(".damaged-{number}"));
        (!name.exists()).then_some(name)
    };
    let aside = (1..1000).find_map(|number| free(&number));
    let aside = aside.ok_or_else(|| failed(io::ErrorKind::AlreadyExists.into()))?;
    fs::rename(path, &aside).map_err(|source| named("rename", path, source))?;
    Ok((KnownPointers::new(), Some(aside)))
}

/// The directory that the file is in.
fn directory(file: &Path) -> &Path {
    file.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."))
}

/// The error of the file that the caller named, or of its directory.
fn named(action: &'static str, path: &Path, source: io::Error) -> Error {
    netboot_core::Error::io(action, path, source).into()
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}
