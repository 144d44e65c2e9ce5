//! Trees of files, for archives.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use proptest::prelude::*;

/// A tree that an archive can hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tree {
    File { executable: bool, contents: Vec<u8> },
    Symlink(Vec<u8>),
    Directory(BTreeMap<Vec<u8>, Self>),
}

impl Tree {
    /// Any tree. Names and targets have any bytes that Linux allows.
    pub(crate) fn any() -> impl Strategy<Value = Self> {
        let contents = prop::collection::vec(any::<u8>(), 0..100);
        let file = (any::<bool>(), contents)
            .prop_map(|(executable, contents)| Self::File { executable, contents });
        let target = prop::collection::vec(1..=255_u8, 1..100).prop_map(Self::Symlink);
        let leaf = prop_oneof![file, target];
        leaf.prop_recursive(4, 30, 5, |node| {
            prop::collection::btree_map(name(), node, 0..5).prop_map(Self::Directory)
        })
    }

    pub(crate) fn write(&self, path: &Path) {
        match self {
            Self::File { executable, contents } => {
                fs::write(path, contents).unwrap();
                let mode = if *executable { 0o755 } else { 0o644 };
                fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
            }
            Self::Symlink(target) => symlink(OsString::from_vec(target.clone()), path).unwrap(),
            Self::Directory(entries) => {
                fs::create_dir(path).unwrap();
                for (name, entry) in entries {
                    entry.write(&path.join(OsString::from_vec(name.clone())));
                }
            }
        }
    }

    /// Reads a tree, and checks that it has the permissions and times of the store.
    pub(crate) fn read_from_store(path: &Path) -> Self {
        let metadata = fs::symlink_metadata(path).unwrap();
        let mode = metadata.permissions().mode() & 0o7777;
        if metadata.is_symlink() {
            return Self::Symlink(fs::read_link(path).unwrap().into_os_string().into_vec());
        }
        let since_1970 = metadata.modified().unwrap().duration_since(std::time::UNIX_EPOCH);
        assert_eq!(since_1970.unwrap().as_secs(), 1, "{}", path.display());
        if metadata.is_dir() {
            assert_eq!(mode, 0o555, "{}", path.display());
            let entries = fs::read_dir(path).unwrap().map(|entry| {
                let entry = entry.unwrap();
                let name = entry.file_name().as_bytes().to_vec();
                (name, Self::read_from_store(&entry.path()))
            });
            return Self::Directory(entries.collect());
        }
        assert!(matches!(mode, 0o444 | 0o555), "{}: {mode:o}", path.display());
        Self::File { executable: mode == 0o555, contents: fs::read(path).unwrap() }
    }
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    let byte = any::<u8>().prop_filter("not allowed in a name", |byte| !matches!(byte, 0 | b'/'));
    prop::collection::vec(byte, 1..20)
        .prop_filter("leads elsewhere", |name| !matches!(&name[..], b"." | b".."))
}
