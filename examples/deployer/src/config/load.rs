//! Reads the file, and makes the running state of it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use netboot_cli::configuration::{Activation, Configuration, DeployerSection};
use netboot_cli::{Error, Target};
use netboot_core::{Profile, ProfileName, SiteName, plasmacloud};
use netboot_publish::ActivationPolicy;
use url::{Host, Url};

use super::Config;
use super::closure_boot;
use super::hand_over::HandOver;
use super::limits::Limits;
use super::machine;
use super::signing::Signing;
use crate::hosts::parse_host;

impl Config {
    /// Reads the file at `path` and checks it.
    ///
    /// # Errors
    /// [`Error`], which names the file, the key and the remedy.
    pub(crate) fn load(path: &Path) -> Result<Self, Error> {
        let file = Configuration::load(path)?;
        let Some(section) = &file.deployer else {
            let hint = "write it with state-directory, such as /var/lib/deployer";
            return Err(file.refusal("deployer", "this service needs the table", hint));
        };
        let Some(state_directory) = section.state_directory.clone() else {
            let hint = "write a directory, such as /var/lib/deployer";
            return Err(file.refusal("deployer.state-directory", "this service needs it", hint));
        };
        let Some(flake) = file.flake_reference()? else {
            let hint = "write the flake of the images, such as git+ssh://git@example.org/nixos";
            return Err(file.refusal("flake.reference", "this service needs it", hint));
        };
        let profiles = profiles(&file)?;
        file.check_assigned(|profile| profiles.contains_key(profile))?;
        let closure_boot = closure_boot::check(&file, profiles.values())?;
        let (targets, served) = targets(&file, section, &state_directory)?;
        let configurations = profiles.keys().map(|name| (name.clone(), file.flake_attribute(name)));
        let hand_over = section.hand_over.as_ref();
        Ok(Self {
            listen: section.listen,
            url: url(&file, section.url.clone(), section.listen)?,
            hosts: hosts(&file, &section.hosts)?,
            limits: Limits::of(&file, &section.limits)?,
            configurations: configurations.collect(),
            documents: file.documents.kinds(),
            overrides: file.overrides()?,
            closure_boot,
            targets,
            served,
            views: views(&file, section, &state_directory)?,
            policy: match section.activation {
                Activation::EachByItself => ActivationPolicy::EachByItself,
                _ => ActivationPolicy::AllOrNone,
            },
            signing: file.signing_keys()?.map(Signing::new),
            retention: file.retention.retention(),
            proof: file.proof.clone(),
            fleet: file.fleet()?,
            machines: machine::machines(&file)?,
            hand_over: hand_over.map(|it| HandOver::of(&file, it, &flake)).transpose()?,
            grace: Duration::from_secs(section.grace_seconds),
            state_directory,
            flake,
            profiles,
        })
    }
}

/// The profiles of the file, or PlasmaCloud's.
fn profiles(file: &Configuration) -> Result<BTreeMap<ProfileName, Arc<dyn Profile>>, Error> {
    let mut specs = file.profile_specs();
    if specs.is_empty() {
        specs = plasmacloud::profiles()
            .map_err(|error| file.refusal_of("profiles", &error, error.hint()))?;
    }
    Ok(specs.into_iter().map(|spec| (spec.name().clone(), spec.into())).collect())
}

type Targets = (Vec<(SiteName, Target)>, (SiteName, PathBuf));

/// The targets in their order, and the one that is served.
fn targets(
    file: &Configuration,
    section: &DeployerSection,
    state: &Path,
) -> Result<Targets, Error> {
    let mut all = file.unsigned_targets()?;
    let names: Vec<SiteName> = match &section.targets[..] {
        [] => all.keys().cloned().collect(),
        names => names.to_vec(),
    };
    let (mut directories, mut targets) = (BTreeSet::new(), Vec::new());
    for name in names {
        let Some(target) = all.remove(&name) else {
            let problem = format!("there is no other target `{name}`");
            let hint = "name each target once, and describe it in [targets]";
            return Err(file.refusal("deployer.targets", problem, hint));
        };
        if let Some(directory) = target.directory() {
            check_directory(file, &name, directory, state)?;
            if !directories.insert(directory.to_owned()) {
                let problem = format!("two of them have the directory `{}`", directory.display());
                return Err(file.refusal("targets", problem, "remove one of them"));
            }
        }
        targets.push((name, target));
    }
    let directory = |(name, target): &(SiteName, Target)| {
        target.directory().map(|path| (name.clone(), path.to_owned()))
    };
    let served = targets.iter().find_map(directory).ok_or_else(|| {
        let hint = "add one with a directory such as \"/srv/pxe/nixos\": this service serves that \
                    directory to machines, and takes its live release as the live one";
        file.refusal("targets", "none of them is a directory", hint)
    })?;
    Ok((targets, served))
}

/// The targets that are served at `/targets/<name>/`.
fn views(
    file: &Configuration,
    section: &DeployerSection,
    state: &Path,
) -> Result<BTreeMap<SiteName, Target>, Error> {
    let mut all = file.unsigned_targets()?;
    let mut views = BTreeMap::new();
    for name in &section.serve_targets {
        let Some(target) = all.remove(name) else {
            let problem = format!("there is no other target `{name}`");
            let hint = "name each target once, and describe it in [targets]";
            return Err(file.refusal("deployer.serve-targets", problem, hint));
        };
        if let Some(directory) = target.directory() {
            check_directory(file, name, directory, state)?;
        }
        views.insert(name.clone(), target);
    }
    Ok(views)
}

/// Refuses a directory that overlaps the state directory. Machines must not see jobs and reports,
/// and pruning must not delete builds.
fn check_directory(
    file: &Configuration,
    name: &SiteName,
    directory: &Path,
    state: &Path,
) -> Result<(), Error> {
    let own = ["jobs", "builds", "reports", "nix"].map(|name| state.join(name));
    if !state.starts_with(directory) && !own.iter().any(|own| directory.starts_with(own)) {
        return Ok(());
    }
    let problem = format!("it overlaps the state-directory `{}`", state.display());
    let hint = "choose another directory for one of them";
    Err(file.refusal(format!("targets.{name}"), problem, hint))
}

fn hosts(file: &Configuration, hosts: &[String]) -> Result<Vec<Host>, Error> {
    let check = |host: &String| {
        let problem = format!("`{host}` is not the name or the address of a host");
        let hint = "write names and addresses without ports, such as deployer.example.org";
        parse_host(host).ok_or_else(|| file.refusal("deployer.hosts", problem, hint))
    };
    hosts.iter().map(check).collect()
}

/// The URL for machines, with a slash at its end; `None` if it follows from `listen`.
fn url(file: &Configuration, url: Option<Url>, listen: SocketAddr) -> Result<Option<Url>, Error> {
    let problem = |text: String| {
        let hint = "write the URL under which machines reach this service, such as \
                    http://10.0.0.1:8080";
        file.refusal("deployer.url", text, hint)
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
