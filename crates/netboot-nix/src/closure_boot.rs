//! The changes that a configuration needs to boot from a closure.

mod program;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use netboot_core::{Architecture, Context};
use serde::Serialize;

use crate::error::Error;
use crate::nar_hash::nar_hash;
use crate::runner::Runner;
use crate::stop::Stop;

/// The settings by which configurations become images of
/// [`Payload::Closure`](netboot_core::Payload::Closure): their initrd gets the program
/// `netboot-stage1`, and the drivers of network cards.
///
/// Netboot extends the configuration with a module, so the flake stays as it is. The module's
/// options begin with `netboot.closure`; [`Overrides::settings`](crate::Overrides) sets the others.
///
/// ```
/// use netboot_nix::{ClosureBoot, NixBuilder};
///
/// # fn example() -> Result<(), netboot_nix::Error> {
/// let closure_boot =
///     ClosureBoot::with_program("/usr/lib/netboot/netboot-stage1")?.network_driver("r8152")?;
/// let builder =
///     NixBuilder::options("path:/srv/infrastructure").closure_boot(closure_boot).build()?;
/// # Ok(())
/// # }
/// # assert!(example().is_err(), "the program is not there");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosureBoot {
    program: PathBuf,
    /// The architecture that the program runs on, if it is known.
    architecture: Option<Architecture>,
    is_source: bool,
    network_drivers: Vec<String>,
}

impl ClosureBoot {
    /// Uses this build of `netboot-stage1`. It must run on the machines without any other file, so
    /// it is a static program, or a program that Nix built.
    ///
    /// # Errors
    /// [`Error::Io`] if the file does not exist. [`Error::InvalidOption`] if it is not an
    /// executable file, or needs a dynamic linker outside the Nix store.
    pub fn with_program(program: impl AsRef<Path>) -> Result<Self, Error> {
        let program = find("`closure_boot`", program.as_ref())?;
        let metadata = program.metadata().map_err(|source| Error::io("read", &program, source))?;
        if !metadata.is_file() || metadata.permissions().mode() & 0o111 == 0 {
            let option = format!("`closure_boot` {}", program.display());
            return Err(Error::InvalidOption { option, problem: "it is not an executable file" });
        }
        let architecture = program::architecture(&program)?;
        Ok(Self { program, architecture, is_source: false, network_drivers: Vec::new() })
    }

    /// Builds `netboot-stage1` from this directory with Netboot's sources, using the Rust of the
    /// flake's nixpkgs. Nix copies the whole directory, so it should be without a `target`
    /// directory.
    ///
    /// # Errors
    /// [`Error::Io`] if the directory or its `Cargo.lock` does not exist.
    pub fn from_source(directory: impl AsRef<Path>) -> Result<Self, Error> {
        let program = find("`closure_boot`", directory.as_ref())?;
        let lock = program.join("Cargo.lock");
        lock.metadata().map_err(|source| Error::io("find", &lock, source))?;
        Ok(Self { program, architecture: None, is_source: true, network_drivers: Vec::new() })
    }

    /// Adds a driver of network cards to the initrd, by the name of its kernel module. The RAM
    /// disk has the drivers of common servers already.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] if the name has other characters than letters, digits, `-` and `_`.
    pub fn network_driver(mut self, name: impl Into<String>) -> Result<Self, Error> {
        let name = name.into();
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() || !name.chars().all(is_allowed) {
            let option = format!("`network_driver` {name:?}");
            return Err(Error::InvalidOption { option, problem: "it is not a kernel module" });
        }
        self.network_drivers.push(name);
        Ok(self)
    }
}

impl ClosureBoot {
    /// Fails if the program cannot run on a machine of this architecture.
    pub(crate) fn check(&self, architecture: Architecture) -> Result<(), Error> {
        match self.architecture {
            Some(found) if found != architecture => Err(Error::ArchitectureMismatch {
                attribute: self.program.display().to_string(),
                expected: architecture,
                found: found.to_string(),
            }),
            _ => Ok(()),
        }
    }
}

fn find(option: &str, path: &Path) -> Result<PathBuf, Error> {
    let found = path.canonicalize().map_err(|source| Error::io("find", path, source))?;
    if found.to_str().is_none() {
        let option = format!("{option} {}", found.display());
        return Err(Error::InvalidOption { option, problem: "its path is not UTF-8" });
    }
    Ok(found)
}

/// The form of [`ClosureBoot`] that Nix gets.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct EmbeddedClosureBoot {
    program: Program,
    network_drivers: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Program {
    path: PathBuf,
    #[serde(rename = "narHash")]
    nar_hash: String,
    is_source: bool,
}

/// Hashes the program.
pub(crate) async fn embed(
    closure_boot: &ClosureBoot,
    runner: &Runner,
    context: &Context,
) -> Result<EmbeddedClosureBoot, Stop> {
    let ClosureBoot { program: path, is_source, network_drivers, .. } = closure_boot.clone();
    let nar_hash = nar_hash(&path, runner, context).await?;
    Ok(EmbeddedClosureBoot { program: Program { path, nar_hash, is_source }, network_drivers })
}
