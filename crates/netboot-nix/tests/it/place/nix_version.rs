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

    /// Returns the versions that the test of this name runs with.
    ///
    /// In an ordinary run that is one of the three versions, and each version has about as many
    /// tests. With `NETBOOT_LONG_TESTS` each test runs with all versions.
    pub(crate) fn sample(test: &str) -> Vec<Self> {
        if netboot_testbed::is_long() {
            return Self::ALL.to_vec();
        }
        let sum: usize = test.bytes().map(usize::from).sum();
        vec![Self::ALL[sum % Self::ALL.len()]]
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

/// Makes a test of each function `$test(version)` of the module in brackets. The test runs the
/// function with a [sample](NixVersion::sample) of the versions of Nix, and prints the version.
macro_rules! with_nix_versions {
    ($($test:ident in [$($module:tt)+])+) => {
        $(#[tokio::test]
        async fn $test() {
            for version in crate::place::NixVersion::sample(stringify!($test)) {
                println!("with Nix {}", version.as_str());
                $($module)+::$test(version).await;
            }
        })+
    };
}

pub(crate) use with_nix_versions;
