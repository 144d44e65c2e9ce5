//! The sections of the file, and how they become a [`Config`].

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use netboot_core::{Profile, ProfileName, ProfileSpec, SiteName, plasmacloud};
use netboot_nix::{AuthorizedKey, FlakeReference, Overrides};
use netboot_publish::{ActivationPolicy, Retention};
use serde::Deserialize;
use url::{Host, Url};

use super::Config;
use super::closure_boot::{self, ClosureBootSection};
use super::error::{ConfigError, Problem};
use super::hand_over::HandOverSection;
use super::limits::LimitsSection;
use super::machine::MachinesSection;
use super::proof::ProofSection;
use super::publisher::{PublisherSection, Target};
use super::signing::SigningSection;
use crate::hosts::parse_host;

impl Config {
    /// Reads the file at `path` and checks it.
    ///
    /// # Errors
    /// [`ConfigError`], which names the file, the key and the remedy.
    pub(crate) fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        Self::parse(&text, path)
    }

    /// Checks the text of a file; `path` is for error messages.
    ///
    /// # Errors
    /// The errors of [`load`](Self::load).
    pub(crate) fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let document: Document = toml::from_str(text).map_err(|source| ConfigError::Malformed {
            path: path.to_owned(),
            source: Box::new(source),
        })?;
        document.check().map_err(|problem| problem.in_file(path))
    }
}

/// All sections of the file.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Document {
    #[serde(default = "default_listen")]
    listen: SocketAddr,
    url: Option<Url>,
    #[serde(default)]
    hosts: Vec<String>,
    #[serde(default)]
    limits: LimitsSection,
    state_directory: PathBuf,
    #[serde(default = "default_grace_seconds")]
    grace_seconds: u64,
    flake: FlakeSection,
    #[serde(default)]
    profiles: Vec<ProfileSpec>,
    publishers: Vec<PublisherSection>,
    #[serde(default)]
    activation: ActivationSection,
    signing: Option<SigningSection>,
    #[serde(default)]
    retention: RetentionSection,
    #[serde(default)]
    proof: ProofSection,
    #[serde(default)]
    machines: MachinesSection,
    hand_over: Option<HandOverSection>,
    closure_boot: Option<ClosureBootSection>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct FlakeSection {
    reference: String,
    #[serde(default)]
    authorized_keys: Vec<AuthorizedKey>,
}

/// The policy if a release cannot go live at one of several publishers.
#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
enum ActivationSection {
    /// The others go back to the release that was live before.
    #[default]
    AllOrNone,
    /// It goes live at the others.
    EachByItself,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct RetentionSection {
    releases: usize,
    grace_hours: u64,
}

impl Default for RetentionSection {
    fn default() -> Self {
        Self { releases: 5, grace_hours: 24 }
    }
}

fn default_listen() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 8080))
}

fn default_grace_seconds() -> u64 {
    10
}

impl Document {
    fn check(self) -> Result<Config, Problem> {
        if !self.state_directory.is_absolute() {
            let hint = "write an absolute path, such as /var/lib/deployer";
            return Err(Problem::new("state-directory", "the path is relative", hint));
        }
        let flake = FlakeReference::new(self.flake.reference)
            .map_err(|error| Problem::of("flake.reference", &error, error.hint()))?;
        let overrides = Overrides::builder();
        let overrides = self
            .flake
            .authorized_keys
            .into_iter()
            .fold(overrides, |overrides, key| overrides.authorized_key("root", key))
            .build()
            .map_err(|error| Problem::of("flake.authorized-keys", &error, error.hint()))?;
        let profiles = check_profiles(self.profiles)?;
        let closure_boot = self.closure_boot.map(ClosureBootSection::check).transpose()?;
        closure_boot::check_profiles(closure_boot.as_ref(), profiles.values())?;
        let (machines, fleet) = self.machines.check(|name| profiles.contains_key(name))?;
        let hand_over = self.hand_over.map(|section| section.check(&flake)).transpose()?;
        let (targets, served) = check_publishers(self.publishers, &self.state_directory)?;
        let hour = Duration::from_secs(60 * 60);
        let grace_hours = u32::try_from(self.retention.grace_hours).unwrap_or(u32::MAX);
        Ok(Config {
            listen: self.listen,
            url: check_url(self.url, self.listen)?,
            hosts: check_hosts(&self.hosts)?,
            closure_boot,
            limits: self.limits.check()?,
            state_directory: self.state_directory,
            flake,
            overrides,
            profiles,
            targets,
            served,
            policy: match self.activation {
                ActivationSection::AllOrNone => ActivationPolicy::AllOrNone,
                ActivationSection::EachByItself => ActivationPolicy::EachByItself,
            },
            signing: self.signing.map(SigningSection::check).transpose()?,
            retention: Retention::default()
                .with_keep_last(self.retention.releases)
                .with_grace(hour * grace_hours),
            proof: self.proof.check()?,
            fleet,
            machines,
            hand_over,
            grace: Duration::from_secs(self.grace_seconds),
        })
    }
}

fn check_profiles(
    named: Vec<ProfileSpec>,
) -> Result<BTreeMap<ProfileName, Arc<dyn Profile>>, Problem> {
    let of = |error: netboot_core::Error| Problem::of("profiles", &error, error.hint());
    let specs = if named.is_empty() { plasmacloud::profiles().map_err(of)? } else { named };
    let mut profiles: BTreeMap<ProfileName, Arc<dyn Profile>> = BTreeMap::new();
    for spec in specs {
        let name = spec.name().clone();
        if profiles.insert(name.clone(), Arc::new(spec)).is_some() {
            let problem = format!("two of them have the name `{name}`");
            return Err(Problem::new("profiles", problem, "rename one of them"));
        }
    }
    Ok(profiles)
}

type Targets = (Vec<(SiteName, Target)>, (SiteName, PathBuf));

fn check_publishers(sections: Vec<PublisherSection>, state: &Path) -> Result<Targets, Problem> {
    let (mut names, mut directories) = (BTreeSet::new(), BTreeSet::new());
    let mut targets = Vec::new();
    for section in sections {
        let (name, target) = section.check()?;
        if !names.insert(name.clone()) {
            let problem = format!("two of them have the name `{name}`");
            return Err(Problem::new("publishers", problem, "rename one of them"));
        }
        if let Some(directory) = target.directory() {
            check_directory(&name, directory, state)?;
            if !directories.insert(directory.to_owned()) {
                let problem = format!("two of them have the directory `{}`", directory.display());
                return Err(Problem::new("publishers", problem, "remove one of them"));
            }
        }
        targets.push((name, target));
    }
    let directory = |(name, target): &(SiteName, Target)| {
        target.directory().map(|path| (name.clone(), path.to_owned()))
    };
    let served = targets.iter().find_map(directory).ok_or_else(|| {
        let hint = "add one with directory = \"/srv/pxe/nixos\": this service serves that directory to \
                    machines, and takes its live release as the live one";
        Problem::new("publishers", "none of them is a directory", hint)
    })?;
    Ok((targets, served))
}

/// Refuses a directory that overlaps the state directory. Machines must not see jobs and reports,
/// and pruning must not delete builds.
fn check_directory(name: &SiteName, directory: &Path, state: &Path) -> Result<(), Problem> {
    let own = ["jobs", "builds", "reports", "nix"].map(|name| state.join(name));
    if !state.starts_with(directory) && !own.iter().any(|own| directory.starts_with(own)) {
        return Ok(());
    }
    let (key, hint) =
        (format!("publishers `{name}` directory"), "choose another directory for one of them");
    let problem = format!("it overlaps the state-directory `{}`", state.display());
    Err(Problem::new(key, problem, hint))
}

fn check_hosts(hosts: &[String]) -> Result<Vec<Host>, Problem> {
    let check = |host: &String| {
        let problem = format!("`{host}` is not the name or the address of a host");
        let hint = "write names and addresses without ports, such as deployer.example.org";
        parse_host(host).ok_or_else(|| Problem::new("hosts", problem, hint))
    };
    hosts.iter().map(check).collect()
}

/// The URL for machines, with a slash at its end; `None` if it follows from `listen`.
fn check_url(url: Option<Url>, listen: SocketAddr) -> Result<Option<Url>, Problem> {
    let problem = |text: String| {
        let hint = "write the URL under which machines reach this service, such as \
                    http://10.0.0.1:8080";
        Problem::new("url", text, hint)
    };
    let Some(mut url) = url else {
        if listen.ip().is_unspecified() {
            return Err(problem(format!("machines cannot reach this service at {listen}")));
        }
        return Ok(None);
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(problem(
            "it contains a user or a password, which every machine would show".into(),
        ));
    }
    let plain = url.query().is_none() && url.fragment().is_none();
    if !matches!(url.scheme(), "http" | "https") || !plain {
        return Err(problem(format!("`{url}` is not the URL of a directory on a web server")));
    }
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Ok(Some(url))
}
