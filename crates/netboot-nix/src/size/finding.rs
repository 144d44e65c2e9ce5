//! Findings about store paths that an image can do without.

use std::fmt;

use serde::Serialize;

/// Something in a system that most images can do without.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SizeFinding {
    /// The kind.
    pub problem: SizeProblem,
    /// The store paths, largest first.
    pub paths: Vec<String>,
    /// The size of these paths in bytes.
    pub size: u64,
    /// The number of bytes that the system has less without these paths, and without all that only
    /// they refer to.
    pub saves: u64,
    /// The shortest chain of references from the system to the largest of the paths, including
    /// both.
    pub chain: Vec<String>,
}

/// A kind of store paths that most images can do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SizeProblem {
    /// The source of nixpkgs, which the flake registry, `NIX_PATH` or the installer's channel
    /// holds.
    Nixpkgs,
    /// The source of a flake or a package, or an archive of it.
    Source,
    /// Manuals, and the programs that show them.
    Documentation,
    /// All locales of glibc.
    Locales,
    /// All of linux-firmware.
    Firmware,
    /// The kernel modules of several kernels.
    SeveralKernels,
    /// Debug symbols.
    DebugSymbols,
    /// Compilers, headers and static libraries.
    BuildTools,
    /// Derivations, which only a build needs.
    Derivations,
    /// A second system, such as a specialisation or a container.
    OtherSystem,
}

impl SizeFinding {
    /// The way to leave it out.
    pub fn hint(&self) -> String {
        match self.problem {
            SizeProblem::Nixpkgs => {
                "set `nixpkgs.flake.setFlakeRegistry`, `nixpkgs.flake.setNixPath` and \
                 `system.installer.channel.enable` to `false`, and remove nixpkgs from \
                 `nix.registry` and `nix.nixPath`"
            }
            SizeProblem::Source => {
                "remove it from `nix.registry`, `nix.nixPath` and `environment.etc`, or name only \
                 the files of it that the system needs"
            }
            SizeProblem::Documentation => "set `documentation.enable = lib.mkForce false`",
            SizeProblem::Locales => {
                "set `i18n.supportedLocales` to the locales that are needed, such as \
                 `[ \"C.UTF-8/UTF-8\" \"en_US.UTF-8/UTF-8\" ]`"
            }
            SizeProblem::Firmware => {
                "set `hardware.enableRedistributableFirmware` and `hardware.enableAllFirmware` to \
                 `lib.mkForce false`, and add the firmware of your machines to `hardware.firmware`"
            }
            SizeProblem::SeveralKernels => {
                "take each package of `boot.extraModulePackages` from `config.boot.kernelPackages`"
            }
            SizeProblem::DebugSymbols => {
                "set `environment.enableDebugInfo = false`, and remove `debug` from \
                 `environment.extraOutputsToInstall`"
            }
            SizeProblem::BuildTools => {
                "remove it from `environment.systemPackages` and `system.extraDependencies`, or \
                 remove the reference from the package that has it with `removeReferencesTo`"
            }
            SizeProblem::Derivations => "set `system.includeBuildDependencies = false`",
            SizeProblem::OtherSystem => {
                "remove it from `specialisation`, `containers` and `system.extraDependencies`"
            }
        }
        .to_owned()
    }
}

impl fmt::Display for SizeProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nixpkgs => "the source of nixpkgs",
            Self::Source => "sources",
            Self::Documentation => "documentation",
            Self::Locales => "all locales",
            Self::Firmware => "all firmware of Linux",
            Self::SeveralKernels => "the modules of several kernels",
            Self::DebugSymbols => "debug symbols",
            Self::BuildTools => "tools and files for builds",
            Self::Derivations => "derivations",
            Self::OtherSystem => "another system",
        })
    }
}
