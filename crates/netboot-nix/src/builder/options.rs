//! The options of a builder.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use netboot_closure::{CompressionLevel, Packer};
use netboot_core::{InvalidValue, Payload, Profile, ProfileName};

use crate::closure_boot::ClosureBoot;
use crate::environment::Environment;
use crate::error::Error;
use crate::evaluation::Evaluation;
use crate::flake_reference::FlakeReference;
use crate::overrides::Overrides;
use crate::policy::Policy;
use crate::realise::PathsInUse;
use crate::redaction::{Secrets, without_credentials};
use crate::runner::{EvaluationLimits, Runner};
use crate::scale_out::ScaleOut;

/// Returns the name of a profile's configuration within `nixosConfigurations`.
type Mapping = Arc<dyn Fn(&dyn Profile) -> String + Send + Sync>;

/// Builds images of a flake's NixOS configurations with Nix.
///
/// One evaluation covers all profiles of a call. Then the profiles are built, several at the same
/// time. Roots in the state directory protect the results from Nix's garbage collector.
#[derive(Clone)]
pub struct NixBuilder {
    pub(super) flake: FlakeReference,
    pub(super) state: PathBuf,
    pub(super) mapping: Mapping,
    pub(super) overrides: Overrides,
    pub(super) profile_overrides: BTreeMap<ProfileName, Overrides>,
    pub(super) payload: Payload,
    pub(super) closure_boot: Option<ClosureBoot>,
    pub(super) packer: Packer,
    pub(super) policy: Policy,
    pub(super) licences: bool,
    pub(super) uki_stub: bool,
    pub(super) scale_out: ScaleOut,
    pub(super) runner: Runner,
    pub(super) keep_roots: Duration,
    pub(super) keep_logs: Duration,
    pub(super) evaluation_processes: NonZeroUsize,
    pub(super) concurrent_profiles: NonZeroUsize,
    pub(super) in_use: PathsInUse,
    /// The evaluation of the last check, until a build takes it.
    pub(super) checked: Arc<Mutex<Option<Evaluation>>>,
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

/// The options of a [`NixBuilder`], made by [`NixBuilder::options`].
#[must_use = "a builder is made by `build`"]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub struct NixBuilderOptions {
    flake: String,
    state: PathBuf,
    mapping: Mapping,
    overrides: Overrides,
    profile_overrides: BTreeMap<ProfileName, Overrides>,
    payload: Payload,
    closure_boot: Option<ClosureBoot>,
    compression_level: CompressionLevel,
    closure_cache: u64,
    policy: Policy,
    licences: bool,
    uki_stub: bool,
    scale_out: ScaleOut,
    environment: BTreeMap<OsString, OsString>,
    program_directory: Option<PathBuf>,
    import_from_derivation: bool,
    offline: bool,
    grace: Duration,
    keep_roots: Duration,
    keep_logs: Duration,
    evaluation_processes: NonZeroUsize,
    evaluation_limits: EvaluationLimits,
    concurrent_profiles: NonZeroUsize,
    secrets: Secrets,
    /// The first text that was given as the name of a profile and is not one.
    refused: Option<InvalidValue>,
}

impl fmt::Debug for NixBuilderOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NixBuilderOptions")
            .field("flake", &without_credentials(&self.flake))
            .finish_non_exhaustive()
    }
}

impl NixBuilderOptions {
    /// The directory for roots and logs. The default is `.netboot`.
    pub fn state_directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.state = directory.into();
        self
    }

    /// The name of a profile's configuration within `nixosConfigurations`. The default is
    /// `netboot-<profile>`. The name may be any text and is never read as Nix code.
    pub fn configuration(
        mut self,
        name: impl Fn(&dyn Profile) -> String + Send + Sync + 'static,
    ) -> Self {
        self.mapping = Arc::new(name);
        self
    }

    /// Changes every configuration. By default, nothing is changed.
    pub fn overrides(mut self, overrides: Overrides) -> Self {
        self.overrides = overrides;
        self
    }

    /// Changes the configuration of one profile, besides [`overrides`](Self::overrides).
    pub fn profile_overrides(
        mut self,
        profile: impl TryInto<ProfileName, Error: Into<InvalidValue>>,
        overrides: Overrides,
    ) -> Self {
        match profile.try_into() {
            Ok(profile) => {
                self.profile_overrides.insert(profile, overrides);
            }
            Err(error) => {
                self.refused.get_or_insert(error.into());
            }
        }
        self
    }

    /// The payload of profiles that do not choose one. The default is [`Payload::Ramdisk`].
    pub fn payload(mut self, payload: Payload) -> Self {
        self.payload = payload;
        self
    }

    /// The program and the drivers for profiles with [`Payload::Closure`]. There is no default.
    pub fn closure_boot(mut self, closure_boot: ClosureBoot) -> Self {
        self.closure_boot = Some(closure_boot);
        self
    }

    /// The level at which closures are compressed. The default is 10. Take
    /// [`CompressionLevel::FAST`] while you try changes, and [`CompressionLevel::SMALL`] for
    /// releases that many machines fetch.
    pub fn compression_level(mut self, level: CompressionLevel) -> Self {
        self.compression_level = level;
        self
    }

    /// The size in bytes of the cache of compressed store paths. The default is 8 GiB. A build
    /// deletes the store paths that were not used for longest, except those that were used within
    /// the time of [`keep_roots`](Self::keep_roots).
    pub fn closure_cache(mut self, bytes: u64) -> Self {
        self.closure_cache = bytes;
        self
    }

    /// The rules for every configuration. The default is [`Policy::default`].
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Asks for the licences of the packages that the configuration names, for an SBOM. The default
    /// is `false`. The libraries that these packages need have none.
    pub fn licences(mut self, wanted: bool) -> Self {
        self.licences = wanted;
        self
    }

    /// Gives each image for `x86_64` and `aarch64` the stub for a UKI of the configuration's own
    /// `systemd.package` ([`Image::uki_stub`](netboot_core::Image::uki_stub)). The default is no.
    pub fn uki_stub(mut self, wanted: bool) -> Self {
        self.uki_stub = wanted;
        self
    }

    /// Remote builders, substituters, time limits, and binary caches for the results. By default,
    /// Nix's own configuration applies.
    pub fn scale_out(mut self, scale_out: ScaleOut) -> Self {
        self.scale_out = scale_out;
        self
    }

    /// Sets a variable in the environment of Nix programs. By default, they inherit only variables
    /// that locate programs, stores, configuration and proxies. A `HOME`, `XDG_CACHE_HOME` or
    /// `TMPDIR` that this user cannot use is replaced, by a directory below the state directory.
    pub fn environment(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.insert(name.into(), value.into());
        self
    }

    /// Marks a text as secret, such as a token in `NIX_CONFIG`. Events, logs and errors show `***`
    /// instead of it. Credentials in the flake's reference are always secret.
    pub fn secret(mut self, text: impl AsRef<str>) -> Self {
        self.secrets.add(text.as_ref());
        self
    }

    /// Allows the evaluation to build derivations (`allow-import-from-derivation`). The default is
    /// `false`, because such an evaluation takes as long as a build and hides its log.
    pub fn import_from_derivation(mut self, allowed: bool) -> Self {
        self.import_from_derivation = allowed;
        self
    }

    /// The directory in which `nix` and `nix-store` are searched before `PATH`.
    pub fn program_directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.program_directory = Some(directory.into());
        self
    }

    /// Stops Nix from asking substituters and from updating its copies of flake sources. The
    /// default is `false`. Builders of fixed-output derivations still download.
    pub fn offline(mut self, offline: bool) -> Self {
        self.offline = offline;
        self
    }

    /// The time that Nix gets to end its builders when the work is cancelled or dropped. After that
    /// time, Nix is killed. The default is 15 seconds. An evaluation has nothing to clean up and
    /// gets at most one second.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// The time for which roots protect artifacts after their builder was dropped. The default is
    /// one day. The next build of any profile removes older roots.
    pub fn keep_roots(mut self, age: Duration) -> Self {
        self.keep_roots = age;
        self
    }

    /// The time for which unused logs are kept. The default is 30 days. The next build removes
    /// older logs that no image of its builder needs.
    pub fn keep_logs(mut self, age: Duration) -> Self {
        self.keep_logs = age;
        self
    }

    /// The number of processes that evaluate several profiles. The default is 1, which needs the
    /// least memory and evaluates the common parts of the profiles only once. With enough cores and
    /// memory (about 1 GiB for a NixOS configuration), one process for each profile takes less
    /// time.
    pub fn evaluation_processes(mut self, processes: NonZeroUsize) -> Self {
        self.evaluation_processes = processes;
        self
    }

    /// The most memory that a process may allocate to lock or evaluate a flake, in bytes. The
    /// default is 8 GiB. A flake that needs more fails with
    /// [`Error::EvaluationTooLarge`], and the machine goes on. The limit is for each
    /// of [`evaluation_processes`](Self::evaluation_processes), and for each builder of an
    /// evaluation that [builds](Self::import_from_derivation).
    pub fn evaluation_memory(mut self, bytes: u64) -> Self {
        self.evaluation_limits.memory = bytes;
        self
    }

    /// The most time that a process may take to lock or evaluate a flake, including downloads of
    /// its inputs. The default is 30 minutes. A flake that takes longer fails with
    /// [`Error::EvaluationTooSlow`].
    pub fn evaluation_time(mut self, time: Duration) -> Self {
        self.evaluation_limits.time = time;
        self
    }

    /// The number of profiles that are built at the same time. The default is 2. Each build is as
    /// parallel as Nix's `max-jobs` allows, and common parts are built once.
    pub fn concurrent_profiles(mut self, profiles: NonZeroUsize) -> Self {
        self.concurrent_profiles = profiles;
        self
    }

    /// Checks the options and makes the builder.
    ///
    /// # Errors
    /// The errors of [`FlakeReference::new`]; [`Error::InvalidOption`]; [`Error::InvalidText`] for
    /// a text that was given as the name of a profile and is not one;
    /// [`Error::Io`] if a path is relative and there is no current directory.
    pub fn build(self) -> Result<NixBuilder, Error> {
        if let Some(error) = self.refused {
            return Err(error.into());
        }
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
                return Err(Error::InvalidOption { option, problem: "it is not a directory" });
            }
            Some(directory) => Some(
                directory.canonicalize().map_err(|source| Error::io("find", directory, source))?,
            ),
            None => None,
        };
        let mut settings = vec![
            // Enabled features stay enabled.
            "extra-experimental-features = nix-command flakes".to_owned(),
            format!("allow-import-from-derivation = {}", self.import_from_derivation),
        ];
        if self.offline {
            // The settings of `nix --offline` (Nix, `src/nix/main.cc`).
            let offline = ["substitute = false", "tarball-ttl = 4294967295"];
            settings.extend(offline.map(str::to_owned));
        }
        settings.extend(self.scale_out.settings());
        let environment = Environment::new(&self.environment, &settings, &state);
        let mut secrets = self.secrets;
        secrets.add_reference(flake.as_str());
        let (grace, evaluation_limits) = (self.grace, self.evaluation_limits);
        let runner = Runner { environment, program_directory, grace, evaluation_limits, secrets };
        let packer = Packer::new(state.join("closures"))
            .with_level(self.compression_level)
            .with_budget(self.closure_cache)
            .with_keep(self.keep_roots);
        Ok(NixBuilder {
            flake,
            state,
            mapping: self.mapping,
            overrides: self.overrides,
            profile_overrides: self.profile_overrides,
            payload: self.payload,
            closure_boot: self.closure_boot,
            packer,
            policy: self.policy,
            licences: self.licences,
            uki_stub: self.uki_stub,
            scale_out: self.scale_out,
            runner,
            keep_roots: self.keep_roots,
            keep_logs: self.keep_logs,
            evaluation_processes: self.evaluation_processes,
            concurrent_profiles: self.concurrent_profiles,
            in_use: PathsInUse::default(),
            checked: Arc::default(),
        })
    }
}

impl NixBuilder {
    /// Starts the options of a builder for the flake `reference`: a path, `path:…`, `git+ssh://…`
    /// or `github:…`.
    pub fn options(reference: impl Into<String>) -> NixBuilderOptions {
        NixBuilderOptions {
            flake: reference.into(),
            state: PathBuf::from(".netboot"),
            mapping: Arc::new(|profile| format!("netboot-{}", profile.name())),
            overrides: Overrides::default(),
            profile_overrides: BTreeMap::new(),
            payload: Payload::default(),
            closure_boot: None,
            compression_level: CompressionLevel::default(),
            closure_cache: 8 << 30,
            policy: Policy::default(),
            licences: false,
            uki_stub: false,
            scale_out: ScaleOut::default(),
            environment: BTreeMap::new(),
            program_directory: None,
            import_from_derivation: false,
            offline: false,
            grace: Duration::from_secs(15),
            keep_roots: Duration::from_secs(24 * 60 * 60),
            keep_logs: Duration::from_secs(30 * 24 * 60 * 60),
            evaluation_processes: NonZeroUsize::MIN,
            evaluation_limits: EvaluationLimits::default(),
            concurrent_profiles: NonZeroUsize::MIN.saturating_add(1),
            secrets: Secrets::default(),
            refused: None,
        }
    }
}
