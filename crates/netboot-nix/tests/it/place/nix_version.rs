//! The tested versions of Nix.

use std::path::{Path, PathBuf};

use netboot_testbed::{DebianTree, HermeticNix, tool};

/// The tested versions of Nix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NixVersion {
    /// The version of Debian 12, which is installed.
    V2_8,
    /// The version of Debian 13, unpacked.
    V2_26,
    /// The version of Debian unstable, unpacked.
    V2_34,
}

impl NixVersion {
    pub(crate) const ALL: [Self; 3] = [Self::V2_8, Self::V2_26, Self::V2_34];

    /// Returns true if this run tries the test of this name with this version.
    ///
    /// An ordinary run tries each test with one of the three versions, and about as many tests with
    /// each version. With `NETBOOT_LONG_TESTS` a run tries each test with all of them.
    pub(crate) fn is_sampled(self, test: &str) -> bool {
        let sum: usize = test.bytes().map(usize::from).sum();
        std::env::var_os("NETBOOT_LONG_TESTS").is_some() || Self::ALL[sum % 3] == self
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::V2_8 => "2.8",
            Self::V2_26 => "2.26",
            Self::V2_34 => "2.34",
        }
    }

    pub(crate) fn programs(self) -> Programs {
        match self {
            Self::V2_8 => Programs(None),
            Self::V2_26 => Programs(Some(DebianTree::TRIXIE_NIX.programs())),
            Self::V2_34 => Programs(Some(DebianTree::SID_NIX.programs())),
        }
    }
}

/// The directory of Nix's programs, if it is not on the search path.
#[derive(Debug, Clone)]
pub(crate) struct Programs(Option<PathBuf>);

impl Programs {
    /// The Nix that `NETBOOT_NIX` names, or else the Nix of this machine.
    pub(crate) fn of_environment() -> Self {
        Self(HermeticNix::program_directory())
    }

    pub(crate) fn directory(&self) -> Option<&Path> {
        self.0.as_deref()
    }

    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.0.as_ref().map_or_else(|| tool(name), |directory| directory.join(name))
    }
}
