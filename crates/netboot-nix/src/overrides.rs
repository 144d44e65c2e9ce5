//! Changes to a configuration without editing its flake.

pub(crate) mod attribute_path;
pub(crate) mod authorized_key;
pub(crate) mod embed;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use netboot_core::KernelParameter;
use serde::Serialize;
use serde_json::Value;

use self::attribute_path::AttributePath;
use self::authorized_key::AuthorizedKey;
use crate::error::Error;

/// Changes to a configuration, made with NixOS's `extendModules`. The flake and its lock file stay
/// as they are, and the evaluation stays pure.
///
/// All changes reach Nix as data, so no text can become code.
///
/// ```
/// use netboot_nix::{NixBuilder, Overrides};
///
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// # let text = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti alice";
/// let overrides = Overrides::builder()
///     .kernel_parameter("console=ttyS1,115200")
///     .authorized_key("root", text)
///     .package("tcpdump")
///     .kernel_packages("linuxPackages_latest")
///     .settings(serde_json::json!({ "networking": { "firewall": { "enable": false } } }))
///     .module("site/rack-7.nix")
///     .build()?;
/// let builder = NixBuilder::options("path:/srv/infrastructure").overrides(overrides).build()?;
/// # Ok(())
/// # }
/// # assert!(example().is_err(), "the module is not there");
/// ```
///
/// Lists are added to those of the configuration, as NixOS merges modules. The kernel replaces that
/// of the configuration.
#[derive(Clone, Default, PartialEq, Serialize)]
pub struct Overrides {
    kernel_parameters: Vec<KernelParameter>,
    authorized_keys: BTreeMap<String, Vec<AuthorizedKey>>,
    packages: Vec<AttributePath>,
    kernel_packages: Option<AttributePath>,
    settings: Vec<Value>,
    /// Absolute paths without links. Each exists.
    #[serde(skip)]
    modules: Vec<PathBuf>,
}

impl fmt::Debug for Overrides {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Settings may contain secrets.
        f.debug_struct("Overrides")
            .field("kernel_parameters", &self.kernel_parameters)
            .field("authorized_keys", &self.authorized_keys)
            .field("packages", &self.packages)
            .field("kernel_packages", &self.kernel_packages)
            .field("settings", &format_args!("{} attribute sets", self.settings.len()))
            .field("modules", &self.modules)
            .finish()
    }
}

impl Overrides {
    /// Starts with no changes.
    pub fn builder() -> OverridesBuilder {
        OverridesBuilder::default()
    }

    /// Returns true if nothing is changed.
    pub fn is_empty(&self) -> bool {
        self == &Self::default()
    }

    /// The paths of additional modules.
    pub(crate) fn modules(&self) -> &[PathBuf] {
        &self.modules
    }

    /// These changes followed by those of `other`.
    pub(crate) fn and(&self, other: &Self) -> Self {
        let mut both = self.clone();
        both.kernel_parameters.extend(other.kernel_parameters.iter().cloned());
        for (user, keys) in &other.authorized_keys {
            both.authorized_keys.entry(user.clone()).or_default().extend(keys.iter().cloned());
        }
        both.packages.extend(other.packages.iter().cloned());
        both.kernel_packages = other.kernel_packages.clone().or(both.kernel_packages);
        both.settings.extend(other.settings.iter().cloned());
        both.modules.extend(other.modules.iter().cloned());
        both
    }
}

/// Collects the changes of [`Overrides`]. Made by [`Overrides::builder`].
#[derive(Debug, Clone, Default)]
#[must_use = "overrides are made by `build`"]
pub struct OverridesBuilder {
    overrides: Overrides,
    modules: Vec<PathBuf>,
    /// The error of the first text that was given as a value and is not one.
    refused: Option<Error>,
}

impl OverridesBuilder {
    /// Adds to `boot.kernelParams`.
    pub fn kernel_parameter(
        mut self,
        parameter: impl TryInto<KernelParameter, Error: Into<Error>>,
    ) -> Self {
        let parameter = self.valid(parameter);
        self.overrides.kernel_parameters.extend(parameter);
        self
    }

    /// Adds to `users.users.<user>.openssh.authorizedKeys.keys`.
    pub fn authorized_key(
        mut self,
        user: impl Into<String>,
        key: impl TryInto<AuthorizedKey, Error: Into<Error>>,
    ) -> Self {
        let key = self.valid(key);
        self.overrides.authorized_keys.entry(user.into()).or_default().extend(key);
        self
    }

    /// Adds a package of the configuration's `pkgs` to `environment.systemPackages`.
    pub fn package(mut self, package: impl TryInto<AttributePath, Error: Into<Error>>) -> Self {
        let package = self.valid(package);
        self.overrides.packages.extend(package);
        self
    }

    /// Replaces `boot.kernelPackages` with a kernel package set of the configuration's `pkgs`, such
    /// as `linuxPackages_latest`.
    pub fn kernel_packages(
        mut self,
        packages: impl TryInto<AttributePath, Error: Into<Error>>,
    ) -> Self {
        self.overrides.kernel_packages = self.valid(packages);
        self
    }

    /// Adds a module that sets these options: a JSON object from option names to values. To replace
    /// a value of the configuration, write the value as `lib.mkForce` makes it: `{ "_type":
    /// "override", "priority": 50, "content": … }`.
    pub fn settings(mut self, settings: Value) -> Self {
        self.overrides.settings.push(settings);
        self
    }

    /// Adds a module: a file, or a directory with a `default.nix`. Nix gets the path and the hash
    /// of the content, so that the evaluation stays pure. A module can import other files only if
    /// they are in such a directory.
    pub fn module(mut self, path: impl Into<PathBuf>) -> Self {
        self.modules.push(path.into());
        self
    }

    /// Returns the value, or keeps the error for [`build`](Self::build).
    fn valid<T>(&mut self, value: impl TryInto<T, Error: Into<Error>>) -> Option<T> {
        match value.try_into() {
            Ok(value) => Some(value),
            Err(error) => {
                self.refused.get_or_insert(error.into());
                None
            }
        }
    }

    /// Checks the changes and makes the overrides.
    ///
    /// # Errors
    /// [`Error::InvalidText`] for a text that is not what it was given as. [`Error::InvalidOption`]
    /// for settings that are not a JSON object, for an empty user name, and for a text with a NUL
    /// character, which Nix cannot represent. [`Error::Io`] for a module that does not exist.
    pub fn build(self) -> Result<Overrides, Error> {
        if let Some(error) = self.refused {
            return Err(error);
        }
        let mut overrides = self.overrides;
        let invalid = |option: &str, problem| {
            Err(Error::InvalidOption { option: option.to_owned(), problem })
        };
        for user in overrides.authorized_keys.keys() {
            if user.is_empty() || user.contains('\0') {
                return invalid("`authorized_key`", "the user has no name");
            }
        }
        for settings in &overrides.settings {
            if !settings.is_object() {
                return invalid("`settings`", "it is not a JSON object");
            }
            if holds_nul(settings) {
                return invalid("`settings`", "a text in it contains a NUL character");
            }
        }
        for module in self.modules {
            overrides.modules.push(find_module(&module)?);
        }
        Ok(overrides)
    }
}

fn find_module(path: &Path) -> Result<PathBuf, Error> {
    let found = path.canonicalize().map_err(|source| Error::io("find the module", path, source))?;
    if found.is_dir() {
        let default = found.join("default.nix");
        default.metadata().map_err(|source| Error::io("find the module", &default, source))?;
    }
    if found.to_str().is_none() {
        let option = format!("`module` {}", found.display());
        return Err(Error::InvalidOption { option, problem: "its path is not UTF-8" });
    }
    Ok(found)
}

fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(values) => values.iter().any(holds_nul),
        Value::Object(members) => {
            members.iter().any(|(name, value)| name.contains('\0') || holds_nul(value))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
