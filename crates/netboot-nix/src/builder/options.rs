//! The options of a builder.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use netboot_core::{Profile, ProfileName};

use crate::environment::Environment;
use crate::error::Error;
use crate::flake_reference::FlakeReference;
use crate::overrides::Overrides;
use crate::policy::Policy;
use crate::realise::PathsInUse;
use crate::redaction::{Secrets, without_credentials};
use crate::runner::Runner;
use crate::scale_out::ScaleOut;

/// How many profiles are built at the same time unless a caller says so.
const CONCURRENT_PROFILES: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1);

/// Gives the name that a profile's configuration has within `nixosConfigurations`.
type Mapping = Arc<dyn Fn(&dyn Profile) -> String + Send + Sync>;

/// Builds images of a flake's NixOS configurations with Nix.
///
/// All profiles of a call are evaluated once, then built, some at the same time. What was built is kept from Nix's garbage collector by roots in the
/// state directory.
#[derive(Clone)]
pub struct NixBuilder {
    pub(super) flake: FlakeReference,
    pub(super) state: PathBuf,
    pub(super) mapping: Mapping,
    pub(super) overrides: Overrides,
    pub(super) profile_overrides: BTreeMap<ProfileName, Overrides>,
    pub(super) policy: Policy,
    pub(super) scale_out: ScaleOut,
    pub(super) runner: Runner,
    pub(super) keep_roots: Duration,
    pub(super) keep_logs: Duration,
    pub(super) evaluation_processes: NonZeroUsize,
    pub(super) concurrent_profiles: NonZeroUsize,
    pub(super) taken: PathsInUse,
}

impl fmt::Debug for NixBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NixBuilder")
            .field("flake", &self.flake)
            .field("state", &self.state)
            .field("runner", &self.runner)
            .finish_non_exhaustive()
    }
}

/// Gathers the choices of a [`NixBuilder`]; made by [`NixBuilder::builder`].
#[must_use = "a builder is made by `build`"]
pub struct NixBuilderBuilder {
    flake: String,
    state: PathBuf,
    mapping: Mapping,
    overrides: Overrides,
    profile_overrides: BTreeMap<ProfileName, Overrides>,
    policy: Policy,
    scale_out: ScaleOut,
    environment: BTreeMap<OsString, OsString>,
    program_directory: Option<PathBuf>,
    import_from_derivation: bool,
    offline: bool,
    grace: Duration,
    keep_roots: Duration,
    keep_logs: Duration,
    evaluation_processes: NonZeroUsize,
    concurrent_profiles: NonZeroUsize,
    secrets: Secrets,
}

impl fmt::Debug for NixBuilderBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NixBuilderBuilder")
            .field("flake", &without_credentials(&self.flake))
            .finish_non_exhaustive()
    }
}

impl NixBuilderBuilder {
    /// Where roots and logs are kept: `.netboot` in the current directory by default.
    pub fn state_directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.state = directory.into();
        self
    }

    /// The name that a profile's configuration has within `nixosConfigurations`:
    /// `netboot-<profile>` by default. It may be any text; it is never read as Nix code.
    pub fn configuration(
        mut self,
        name: impl Fn(&dyn Profile) -> String + Send + Sync + 'static,
    ) -> Self {
        self.mapping = Arc::new(name);
        self
    }

    /// Changes every configuration in these ways; none by default.
    pub fn overrides(mut self, overrides: Overrides) -> Self {
        self.overrides = overrides;
        self
    }

    /// Changes the configuration of one profile in these ways, after those of
    /// [`overrides`](Self::overrides).
    pub fn profile_overrides(mut self, profile: ProfileName, overrides: Overrides) -> Self {
        self.profile_overrides.insert(profile, overrides);
        self
    }

    /// What every configuration has to be like: [`Policy::default`] by default.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Which machines build, which caches spare it, how long it may take, and where results are
    /// copied to: what Nix's configuration says, by default.
    pub fn scale_out(mut self, scale_out: ScaleOut) -> Self {
        self.scale_out = scale_out;
        self
    }

    /// Sets a variable in the environment of Nix programs, which otherwise have only what locates
    /// programs, stores, configuration and proxies.
    pub fn environment(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.insert(name.into(), value.into());
        self
    }

    /// Marks a text as secret, such as a token in `NIX_CONFIG`: where Nix or a builder prints it,
    /// events, logs and errors show `***`. Credentials in the flake's reference are marked by
    /// themselves.
    pub fn secret(mut self, text: impl AsRef<str>) -> Self {
        self.secrets.add(text.as_ref());
        self
    }

    /// Lets the evaluation build derivations (`allow-import-from-derivation`); off by default,
    /// since such an evaluation takes as long as a build and hides its log.
    pub fn import_from_derivation(mut self, allowed: bool) -> Self {
        self.import_from_derivation = allowed;
        self
    }

    /// Where `nix` and `nix-store` are looked for before `PATH`.
    pub fn program_directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.program_directory = Some(directory.into());
        self
    }

    /// Lets Nix ask no substituter and take what it has of a flake's sources whatever their age;
    /// off by default. The builders of fixed-output derivations download all the same.
    pub fn offline(mut self, offline: bool) -> Self {
        self.offline = offline;
        self
    }

    /// How long Nix may take to end its builders when the work is cancelled or dropped, before it
    /// is killed: 15 seconds by default.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// How long artifacts are kept from the garbage collector once the builder that built them is
    /// gone: a day by default. Older ones are let go when their profile is built again.
    pub fn keep_roots(mut self, age: Duration) -> Self {
        self.keep_roots = age;
        self
    }

    /// How long logs are kept that no build used again and no builder's image needs: 30 days by
    /// default. Older ones are removed when a profile is built.
    pub fn keep_logs(mut self, age: Duration) -> Self {
        self.keep_logs = age;
        self
    }

    /// How many processes share out the evaluation of several profiles: one by default, which takes
    /// the least memory and evaluates only once what the profiles have in common. Where there are
    /// cores and memory (a NixOS takes about 1 GiB), one for each profile takes less time.
    pub fn evaluation_processes(mut self, processes: NonZeroUsize) -> Self {
        self.evaluation_processes = processes;
        self
    }

    /// How many profiles are built at the same time: two by default. Each is as parallel as Nix's
    /// `max-jobs` allows, and what they have in common is built once.
    pub fn concurrent_profiles(mut self, profiles: NonZeroUsize) -> Self {
        self.concurrent_profiles = profiles;
        self
    }

    /// Checks the choices.
    ///
    /// # Errors
    /// [`Error::InvalidFlakeReference`], [`Error::FlakeNotFound`], [`Error::InvalidOption`],
    /// [`Error::Io`] when there is no current directory that a relative path could start from.
    pub fn build(self) -> Result<NixBuilder, Error> {
        let flake = FlakeReference::new(self.flake)?;
        let state = std::path::absolute(&self.state)
            .map_err(|source| Error::io("find", &self.state, source))?;
        for (name, value) in &self.environment {
            if let Some(problem) = Environment::problem(name, value) {
                let option = format!("`environment` for `{}`", name.display());
                return Err(Error::InvalidOption { option, problem });
            }
        }
        let program_directory = match self.program_directory {
            Some(directory) if !directory.is_dir() => {
                let option = format!("`program_directory` {}", directory.display());
                return Err(Error::InvalidOption { option, problem: "it is no directory" });
            }
            Some(directory) => Some(
                directory.canonicalize().map_err(|source| Error::io("find", directory, source))?,
            ),
            None => None,
        };
        let mut settings = vec![
            // What is on already stays on.
            "extra-experimental-features = nix-command flakes".to_owned(),
            format!("allow-import-from-derivation = {}", self.import_from_derivation),
        ];
        if self.offline {
            // What `nix --offline` sets (Nix, `src/nix/main.cc`).
            let offline = ["substitute = false", "tarball-ttl = 4294967295"];
            settings.extend(offline.map(str::to_owned));
        }
        settings.extend(self.scale_out.settings());
        let environment = Environment::new(&self.environment, &settings);
        let mut secrets = self.secrets;
        secrets.add_reference(flake.as_str());
        let runner = Runner { environment, program_directory, grace: self.grace, secrets };
        Ok(NixBuilder {
            flake,
            state,
            mapping: self.mapping,
            overrides: self.overrides,
            profile_overrides: self.profile_overrides,
            policy: self.policy,
            scale_out: self.scale_out,
            runner,
            keep_roots: self.keep_roots,
            keep_logs: self.keep_logs,
            evaluation_processes: self.evaluation_processes,
            concurrent_profiles: self.concurrent_profiles,
            taken: PathsInUse::default(),
        })
    }
}

impl NixBuilder {
    /// Begins a builder of the flake at `reference`: a path, `path:…`, `git+ssh://…`, `github:…`.
    pub fn builder(reference: impl Into<String>) -> NixBuilderBuilder {
        NixBuilderBuilder {
            flake: reference.into(),
            state: PathBuf::from(".netboot"),
            mapping: Arc::new(|profile| format!("netboot-{}", profile.name())),
            overrides: Overrides::default(),
            profile_overrides: BTreeMap::new(),
            policy: Policy::default(),
            scale_out: ScaleOut::default(),
            environment: BTreeMap::new(),
            program_directory: None,
            import_from_derivation: false,
            offline: false,
            grace: Duration::from_secs(15),
            keep_roots: Duration::from_secs(24 * 60 * 60),
            keep_logs: Duration::from_secs(30 * 24 * 60 * 60),
            evaluation_processes: NonZeroUsize::MIN,
            concurrent_profiles: CONCURRENT_PROFILES,
            secrets: Secrets::default(),
        }
    }
}
