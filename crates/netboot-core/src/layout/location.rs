//! The meaning of each path at a target.

use std::fmt;

use crate::architecture::Architecture;
use crate::digest::Sha256Digest;
use crate::layout::paths::{
    AUTOEXEC_SCRIPT, BOOT_SCRIPT, CLOCK, NAR_INFO_SUFFIX, NIX_CACHE_INFO, PROFILE_SCRIPT,
    PROGRAM_PREFIX, PROGRAM_SUFFIX, ReleasePath, SCRIPT_SUFFIX, autoexec_script, blob,
    boot_program, boot_script, clock, in_release, nar_info, nix_cache_info, pointer,
    profile_autoexec_script, profile_boot_program, profile_script,
};
use crate::name::{BLOBS, PointerName, ProfileName, RELEASES};
use crate::release_id::ReleaseId;
use crate::store_path_digest::StorePathDigest;

/// The meaning of a path at a target: the inverse of the functions of this module.
///
/// ```
/// use netboot_core::layout::{self, Location};
///
/// let pointer = "canary".parse()?;
/// let location = Location::parse(layout::pointer(&pointer).as_str());
/// assert_eq!(location, Some(Location::Pointer(pointer)));
/// assert_eq!(Location::parse("worker/bzImage"), None); // no place of the layout
/// # Ok::<(), netboot_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Location {
    /// A pointer, [`pointer()`]. A static entry of this form, such as a renderer's `menu.ipxe`,
    /// parses as a pointer too: only its text tells them apart.
    Pointer(PointerName),
    /// The static entry for all machines, [`boot_script`].
    BootScript,
    /// The static entry of one profile, [`profile_script`].
    ProfileScript(ProfileName),
    /// The program for all machines of an architecture, [`boot_program`].
    BootProgram(Architecture),
    /// The program of one profile, [`profile_boot_program`].
    ProfileBootProgram(ProfileName, Architecture),
    /// The first script of the programs for all machines, [`autoexec_script`].
    AutoexecScript,
    /// The first script of the programs of one profile, [`profile_autoexec_script`].
    ProfileAutoexecScript(ProfileName),
    /// A file of a release, [`in_release`].
    InRelease {
        /// The release.
        release: ReleaseId,
        /// The path of the file below the release.
        path: ReleasePath,
    },
    /// The file that tells pruning the target's time, [`clock`].
    Clock,
    /// A blob, [`blob`].
    Blob(Sha256Digest),
    /// The file that makes a target a binary cache, [`nix_cache_info`].
    NixCacheInfo,
    /// The description of a store path, [`nar_info`].
    NarInfo(StorePathDigest),
}

impl Location {
    /// Reads a path below the root of a target. Returns `None` if the layout has no such path. A
    /// digest in upper case, for example, is no part of the layout.
    pub fn parse(path: &str) -> Option<Self> {
        let Some((directory, rest)) = path.split_once('/') else {
            return match path {
                BOOT_SCRIPT => Some(Self::BootScript),
                AUTOEXEC_SCRIPT => Some(Self::AutoexecScript),
                NIX_CACHE_INFO => Some(Self::NixCacheInfo),
                _ => {
                    if let Some(architecture) = architecture_of_program(path) {
                        return Some(Self::BootProgram(architecture));
                    }
                    match path.strip_suffix(NAR_INFO_SUFFIX) {
                        Some(digest) => digest.parse().ok().map(Self::NarInfo),
                        None => path.strip_suffix(SCRIPT_SUFFIX)?.parse().ok().map(Self::Pointer),
                    }
                }
            };
        };
        match (directory, rest) {
            (RELEASES, CLOCK) => Some(Self::Clock),
            (RELEASES, _) => {
                let (release, path) = rest.split_once('/')?;
                let path = path.parse().ok()?;
                Some(Self::InRelease { release: canonical(release)?, path })
            }
            (BLOBS, digest) => canonical(digest).map(Self::Blob),
            (profile, PROFILE_SCRIPT) => profile.parse().ok().map(Self::ProfileScript),
            (profile, AUTOEXEC_SCRIPT) => profile.parse().ok().map(Self::ProfileAutoexecScript),
            (profile, name) => {
                let architecture = architecture_of_program(name)?;
                Some(Self::ProfileBootProgram(profile.parse().ok()?, architecture))
            }
        }
    }

    /// Returns the path below the root of a target.
    pub fn path(&self) -> ReleasePath {
        match self {
            Self::Pointer(name) => pointer(name),
            Self::BootScript => boot_script(),
            Self::ProfileScript(profile) => profile_script(profile),
            Self::BootProgram(architecture) => boot_program(*architecture),
            Self::ProfileBootProgram(profile, architecture) => {
                profile_boot_program(profile, *architecture)
            }
            Self::AutoexecScript => autoexec_script(),
            Self::ProfileAutoexecScript(profile) => profile_autoexec_script(profile),
            Self::InRelease { release, path } => in_release(release, path),
            Self::Clock => clock(),
            Self::Blob(digest) => blob(digest),
            Self::NixCacheInfo => nix_cache_info(),
            Self::NarInfo(digest) => nar_info(digest),
        }
    }
}

/// The architecture in the name of a program.
fn architecture_of_program(name: &str) -> Option<Architecture> {
    canonical(name.strip_prefix(PROGRAM_PREFIX)?.strip_suffix(PROGRAM_SUFFIX)?)
}

/// Reads a value in its printed form only. Digits in upper case would parse too, but they name
/// another file.
fn canonical<T: std::str::FromStr + fmt::Display>(text: &str) -> Option<T> {
    text.parse().ok().filter(|value: &T| value.to_string() == text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::layout::paths::Area;

    fn locations() -> impl Strategy<Value = Location> {
        let name = "[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?";
        let digest = any::<[u8; 32]>().prop_map(Sha256Digest::from_bytes);
        let release = digest.clone().prop_map(|digest| digest.to_string().parse().unwrap());
        let path = "[A-Za-z0-9][A-Za-z0-9._-]{0,9}(/[A-Za-z0-9][A-Za-z0-9._-]{0,9}){0,3}";
        prop_oneof![
            Just(Location::BootScript),
            Just(Location::AutoexecScript),
            Just(Location::BootProgram(Architecture::X86_64)),
            name.prop_filter_map("a reserved name", |name| {
                name.parse().ok().map(Location::ProfileAutoexecScript)
            }),
            name.prop_filter_map("a reserved name", |name| {
                let profile = name.parse().ok()?;
                Some(Location::ProfileBootProgram(profile, Architecture::Aarch64))
            }),
            name.prop_filter_map("a reserved name", |name| {
                name.parse().ok().map(Location::Pointer)
            }),
            name.prop_filter_map("a reserved name", |name| {
                name.parse().ok().map(Location::ProfileScript)
            }),
            (release, path).prop_map(|(release, path)| Location::InRelease {
                release,
                path: path.parse().unwrap(),
            }),
            digest.prop_map(Location::Blob),
            Just(Location::NixCacheInfo),
            Just(Location::Clock),
            "[0-9a-df-np-sv-z]{32}".prop_map(|digest| Location::NarInfo(digest.parse().unwrap())),
        ]
    }

    proptest! {
        #[test]
        fn the_path_of_a_location_parses_as_that_location(location in locations()) {
            prop_assert_eq!(Location::parse(location.path().as_str()), Some(location));
        }

        #[test]
        fn a_path_that_parses_is_the_path_of_its_location(
            directory in prop_oneof![Just(""), Just("releases/"), Just("blobs/"), Just("a/")],
            id in "([0-9a-fA-F]{64}|[0-9a-z]{32}|[a-z0-9._/-]{0,20})",
            rest in prop_oneof![Just(""), Just(".narinfo"), Just("/boot.ipxe"), Just("/netboot.ipxe"), Just(".ipxe")],
        ) {
            let path = format!("{directory}{id}{rest}");
            if let Some(location) = Location::parse(&path) {
                prop_assert_eq!(location.path().to_string(), path);
            }
        }
    }

    #[test]
    fn a_path_that_the_layout_lacks_is_no_location() {
        let digest = Sha256Digest::of(b"a");
        let upper = digest.to_string().to_uppercase();
        for path in [
            "",
            "boot.ipxe/",
            ".ipxe",
            "worker/bzImage",
            "boot-x86_64-linux.efi",
            "boot-other.efi",
            "worker/boot.efi",
            "0123.narinfo",
            "releases/netboot.ipxe",
            "releases",
            &format!("releases/{digest}"),
            &format!("releases/{upper}/boot.ipxe"),
            &format!("releases/{digest}/a b"),
            &format!("blobs/{upper}"),
            &format!("blobs/{digest}/a"),
        ] {
            assert_eq!(Location::parse(path), None, "{path}");
        }
        assert_eq!(Area::of("releases/a b"), Area::Releases);
        assert_eq!(Area::of("blobs"), Area::Blobs);
        assert_eq!(Area::of("releases.ipxe"), Area::Root);
    }
}
