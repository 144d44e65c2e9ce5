//! Directories of the user that Nix, git and builders need.
//!
//! Services and containers run without a home, with one that is read-only or somebody else's, or as
//! a user without a name. Nix then fails before it reads the flake, and which directory it misses
//! depends on its version.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};
use rustix::process::geteuid;

/// The name of a user that the user database does not know. Nix 2.8 wants one.
const NAMELESS: &str = "netboot";

/// Variables that name a directory of the user.
const NAMES_OF_PLACES: [Option<&str>; 6] = [
    Some("HOME"),
    Some("TMPDIR"),
    Some("XDG_CACHE_HOME"),
    Some("XDG_CONFIG_HOME"),
    Some("XDG_DATA_HOME"),
    Some("XDG_STATE_HOME"),
];

/// Replaces directories that programs cannot use with ones below `state`. `home` is the home of the
/// user database, which counts if `HOME` is not set.
pub(crate) fn repair(
    variables: &mut BTreeMap<OsString, OsString>,
    state: &Path,
    home: Option<PathBuf>,
) {
    // Nix takes an empty name for the root directory.
    variables.retain(|name, value| !(value.is_empty() && NAMES_OF_PLACES.contains(&name.to_str())));
    let set = |variables: &BTreeMap<OsString, OsString>, name: &str| {
        let value = variables.get(OsStr::new(name)).filter(|value| !value.is_empty());
        value.map(PathBuf::from)
    };
    let given = set(variables, "HOME").or(home);
    let home = match given.filter(|home| home.is_absolute()) {
        Some(home) if is_own_directory(&home) => home,
        given => {
            // Git keeps to the configuration there, if this user can read it.
            let configured = [("GIT_CONFIG_GLOBAL", ".gitconfig"), ("XDG_CONFIG_HOME", ".config")];
            for (name, file) in
                given.iter().flat_map(|home| configured.map(|(n, f)| (n, home.join(f))))
            {
                if set(variables, name).is_none() && access(&file, Access::READ_OK).is_ok() {
                    variables.insert(name.into(), file.into());
                }
            }
            state.join("home")
        }
    };
    let cache = set(variables, "XDG_CACHE_HOME").unwrap_or_else(|| home.join(".cache"));
    if !(cache.is_absolute() && can_be_written(&cache)) {
        variables.insert("XDG_CACHE_HOME".into(), state.join("cache").into());
    }
    variables.insert("HOME".into(), home.into());
    if set(variables, "TMPDIR")
        .is_some_and(|directory| !directory.is_dir() || !can_be_written(&directory))
    {
        // Programs take `/tmp` then.
        variables.remove(OsStr::new("TMPDIR"));
    }
    if set(variables, "USER").is_none() {
        let name = variables.get(OsStr::new("LOGNAME")).cloned();
        variables.insert("USER".into(), name.unwrap_or_else(|| NAMELESS.into()));
    }
}

/// Returns true for a directory of this user. Nix passes over a home that belongs to somebody else.
fn is_own_directory(path: &Path) -> bool {
    let user = geteuid();
    fs::metadata(path).is_ok_and(|it| it.is_dir() && (user.is_root() || it.uid() == user.as_raw()))
}

/// Returns true if the directory can be written. Creates it, as Nix does. Only an attempt tells
/// that a file system takes no files, because root has every permission.
fn can_be_written(path: &Path) -> bool {
    fs::create_dir_all(path).is_ok() && tempfile::tempfile_in(path).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repaired(
        state: &Path,
        given: &[(&str, &Path)],
        home: Option<&Path>,
    ) -> BTreeMap<String, PathBuf> {
        let mut variables = given.iter().map(|(name, value)| (name.into(), value.into())).collect();
        repair(&mut variables, state, home.map(Path::to_owned));
        let text = |name: OsString| name.into_string().unwrap();
        variables.into_iter().map(|(name, value)| (text(name), value.into())).collect()
    }

    #[test]
    fn what_can_be_used_is_kept_and_the_rest_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let (own, state) = (directory.path().join("own"), directory.path().join("state"));
        let file = directory.path().join("file");
        fs::create_dir(&own).unwrap();
        fs::write(&file, "").unwrap();
        let kept = repaired(&state, &[("HOME", &own), ("TMPDIR", &own)], None);
        assert_eq!((&kept["HOME"], &kept["TMPDIR"]), (&own, &own));
        assert!(!kept.contains_key("XDG_CACHE_HOME"));
        assert_eq!(repaired(&state, &[], Some(&own))["HOME"], own);
        for home in [&file, &own.join("missing"), Path::new(""), Path::new("relative")] {
            let variables = repaired(&state, &[("HOME", home), ("TMPDIR", &file)], None);
            assert_eq!(variables["HOME"], state.join("home"), "{}", home.display());
            assert!(!variables.contains_key("TMPDIR"));
        }
        let variables =
            repaired(&state, &[("HOME", &own), ("XDG_CACHE_HOME", &file.join("x"))], None);
        assert_eq!(variables["XDG_CACHE_HOME"], state.join("cache"));
        assert_eq!(variables["HOME"], own);
        let variables =
            repaired(&state, &[("HOME", &own), ("XDG_CACHE_HOME", Path::new(""))], None);
        assert!(!variables.contains_key("XDG_CACHE_HOME"));
    }
}
