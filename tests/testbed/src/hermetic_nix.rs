//! Nix with its own store: it uses no `/nix`, no network and no configuration of the machine.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use tempfile::TempDir;
use walkdir::WalkDir;

use crate::DebianTree;
use crate::tool::tool;

/// The directory in which builders work.
const BUILDING: &str = "building";

/// Selects another Nix than the installed one: `trixie` (2.26) or `sid` (2.34).
const CHOICE: &str = "NETBOOT_NIX";

/// A directory in which Nix keeps everything while this value lives. It works for any user. The
/// programs are the installed ones, or those of the Debian suite in the variable `NETBOOT_NIX`:
/// `trixie` or `sid`.
#[derive(Debug)]
pub struct HermeticNix {
    directory: PathBuf,
    /// Removed on drop, if the store is temporary.
    temporary: Option<TempDir>,
}

impl HermeticNix {
    /// Creates an empty store in a temporary directory, which is removed on drop.
    ///
    /// # Panics
    /// If no temporary directory can be created.
    #[expect(clippy::expect_used, reason = "a test without a temporary directory has failed")]
    pub fn new() -> Self {
        let temporary = TempDir::with_prefix("nix-").expect("a temporary directory for Nix");
        // Nix refuses a store below a symbolic link.
        let directory = temporary.path().canonicalize().expect("the temporary directory's path");
        let mut nix = Self::at(directory);
        nix.temporary = Some(temporary);
        nix
    }

    /// Opens the store at `directory`, and creates it if it does not exist. It is not removed.
    ///
    /// # Panics
    /// If the directory cannot be created.
    #[expect(clippy::expect_used, reason = "a test without a directory has failed")]
    pub fn at(directory: impl AsRef<Path>) -> Self {
        let directory = directory.as_ref().to_owned();
        fs::create_dir_all(directory.join(BUILDING)).expect("a directory for Nix's builders");
        Self { directory, temporary: None }
    }

    /// The directory of the store paths.
    pub fn store_directory(&self) -> PathBuf {
        self.directory.join("store")
    }

    /// The directory of the Nix that `NETBOOT_NIX` selects; `None` for the installed one.
    ///
    /// # Panics
    /// If the selection is unknown, or is not in the test bed.
    #[expect(clippy::panic, reason = "a test on a Nix that nobody knows has failed")]
    pub fn program_directory() -> Option<PathBuf> {
        let choice = env::var(CHOICE).ok().filter(|choice| !choice.is_empty())?;
        let trees = [("trixie", DebianTree::TRIXIE_NIX), ("sid", DebianTree::SID_NIX)];
        let tree = trees.iter().find(|(name, _)| *name == choice);
        let (_, tree) =
            tree.unwrap_or_else(|| panic!("{CHOICE} is `trixie` or `sid`, not {choice}"));
        Some(tree.programs())
    }

    /// The path of one of Nix's programs, such as `nix-store`.
    ///
    /// # Panics
    /// If the program is not installed.
    pub fn program(name: &str) -> PathBuf {
        Self::program_directory().map_or_else(|| tool(name), |directory| directory.join(name))
    }

    /// One of Nix's programs, such as `nix-store`, on this store.
    ///
    /// # Panics
    /// If the program is not installed.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(Self::program(program));
        command.envs(self.environment());
        command
    }

    /// The environment with which a Nix program uses only this store.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let place = |name: &str| self.directory.join(name).display().to_string();
        let configuration = [
            "experimental-features = nix-command flakes",
            "substituters =",
            "sandbox = false",
            "build-users-group =",
            "flake-registry =",
            "download-attempts = 1",
        ];
        vec![
            ("NIX_STORE_DIR", place("store")),
            ("NIX_STATE_DIR", place("state")),
            ("NIX_LOG_DIR", place("log")),
            ("NIX_CONF_DIR", place("configuration")),
            // The machine's configuration may tell its users to use a daemon.
            ("NIX_REMOTE", "local".to_owned()),
            ("HOME", place("home")),
            ("XDG_CACHE_HOME", place("cache")),
            // An interrupted Nix sometimes leaves the directory of a builder behind.
            ("TMPDIR", place(BUILDING)),
            // A user's own nix.conf would add its substituters.
            ("XDG_CONFIG_HOME", place("home/.config")),
            ("XDG_CONFIG_DIRS", place("home/.config")),
            ("NIX_CONFIG", configuration.join("\n")),
        ]
    }
}

impl Default for HermeticNix {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for HermeticNix {
    /// Lets an ordinary user remove the store: Nix makes its directories read-only.
    fn drop(&mut self) {
        let Some(temporary) = &self.temporary else { return };
        let directories = WalkDir::new(temporary.path())
            .into_iter()
            .filter_map(Result::ok)
            .filter(|entry| entry.file_type().is_dir());
        for entry in directories {
            // If this fails, the directory stays until the system cleans up.
            let _ = fs::set_permissions(entry.path(), fs::Permissions::from_mode(0o755));
        }
    }
}
