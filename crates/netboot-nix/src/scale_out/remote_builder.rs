//! Machines that build for this one.

use std::fmt;
use std::path::{Path, PathBuf};

use netboot_core::Architecture;

use crate::error::Error;
use crate::scale_out::store_url::StoreUrl;

/// A machine that builds for this one (Nix manual, "Remote Builds").
///
/// ssh must reach the machine without a prompt. Its host key must be known, and a key of the agent,
/// of the user or of [`with_identity`](Self::with_identity) must give access.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteBuilder {
    url: StoreUrl,
    systems: Vec<String>,
    identity: Option<PathBuf>,
    jobs: u32,
    speed: u32,
    features: Vec<String>,
}

impl RemoteBuilder {
    /// A machine with this URL, such as `ssh-ng://build@host`. It builds one derivation at a time,
    /// for `x86_64-linux`.
    ///
    /// # Errors
    /// [`Error::InvalidOption`]; see [`StoreUrl`].
    pub fn new(url: &str) -> Result<Self, Error> {
        Ok(Self {
            url: url.parse()?,
            systems: vec![Architecture::X86_64.nix_system()],
            identity: None,
            jobs: 1,
            speed: 1,
            features: Vec::new(),
        })
    }

    /// The architectures that the machine builds for, instead of `x86_64`.
    #[must_use]
    pub fn with_architectures(
        mut self,
        architectures: impl IntoIterator<Item = Architecture>,
    ) -> Self {
        self.systems = architectures.into_iter().map(Architecture::nix_system).collect();
        self
    }

    /// The file with the private key that gives access.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] for a relative path, or a path with white space, which Nix's
    /// setting cannot contain.
    pub fn with_identity(mut self, file: impl AsRef<Path>) -> Result<Self, Error> {
        let file = file.as_ref();
        let is_plain = file.to_str().is_some_and(|text| {
            text.chars().all(|character| character.is_ascii_graphic() && !"#;".contains(character))
        });
        if !file.is_absolute() || !is_plain {
            let option = format!("`with_identity` {}", file.display());
            let problem = "it is not an absolute path without spaces and special characters";
            return Err(Error::InvalidOption { option, problem });
        }
        self.identity = Some(file.to_owned());
        Ok(self)
    }

    /// The number of derivations that it builds at once, at least 1.
    #[must_use]
    pub fn with_jobs(mut self, jobs: u32) -> Self {
        self.jobs = jobs.max(1);
        self
    }

    /// Its speed compared to the other machines, at least 1.
    #[must_use]
    pub fn with_speed(mut self, speed: u32) -> Self {
        self.speed = speed.max(1);
        self
    }

    /// Adds a feature of the machine, such as `kvm` or `big-parallel`.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] for anything but letters, digits and hyphens.
    pub fn with_feature(mut self, feature: &str) -> Result<Self, Error> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if feature.is_empty() || feature.starts_with('-') || !feature.bytes().all(is_plain) {
            let option = format!("`with_feature` {feature:?}");
            let problem = "it is not a word of letters, digits and hyphens";
            return Err(Error::InvalidOption { option, problem });
        }
        self.features.push(feature.to_owned());
        Ok(self)
    }
}

impl fmt::Display for RemoteBuilder {
    /// Writes the machine as a line of Nix's `builders`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |words: &[String]| match words {
            [] => "-".to_owned(),
            words => words.join(","),
        };
        let identity = self
            .identity
            .as_ref()
            .map_or_else(|| "-".to_owned(), |file| file.display().to_string());
        write!(
            f,
            "{} {} {identity} {} {} {}",
            self.url.expose(),
            list(&self.systems),
            self.jobs,
            self.speed,
            list(&self.features)
        )
    }
}
