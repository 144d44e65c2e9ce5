//! The evaluation of several configurations: one for all, and another for each that failed.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use futures::future::join_all;
use netboot_core::{Context, Event, Phase, ProfileName, Provenance, SourceMaterial};

use crate::error::Error;
use crate::flake::{Locked, evaluate, lock};
use crate::flake_answer::{Answer, Configuration, Output, ProfileRequest, Values};
use crate::flake_reference::FlakeReference;
use crate::redaction::Secrets;
use crate::runner::Runner;
use crate::shown_url::{parameters, shown_url};
use crate::stop::NAME;
use crate::stop::Stop;

/// The option with the systemd of a configuration.
const SYSTEMD: &str = "systemd.package";

/// A flake that was locked and evaluated.
#[derive(Debug, Clone)]
pub(crate) struct Evaluation {
    flake: FlakeReference,
    locked: Locked,
    wanted: BTreeMap<ProfileName, ProfileRequest>,
    /// The answers of the processes that succeeded.
    answers: Vec<Answer>,
    /// The errors of configurations that had a process of their own.
    failed: BTreeMap<ProfileName, Error>,
}

impl Evaluation {
    /// Locks the flake and evaluates `wanted`, in one process or in several that share the work.
    /// It takes over the results of `earlier` instead if they are still valid.
    pub(crate) async fn of(
        runner: &Runner,
        flake: &FlakeReference,
        wanted: &BTreeMap<ProfileName, ProfileRequest>,
        processes: NonZeroUsize,
        earlier: Option<Self>,
        context: &Context,
    ) -> Result<Self, Stop> {
        let locked = lock(runner, flake, context).await?;
        if !is_locked(&locked.url) {
            context.emit(Event::Warning {
                profile: None,
                message: format!("the flake `{flake}` has uncommitted changes"),
                hint: Some("commit them, so that the images can be built again".to_owned()),
            });
        }
        if let Some(earlier) = earlier.filter(|earlier| earlier.holds_for(&locked, wanted)) {
            return Ok(earlier);
        }
        let _phase = context.phase(Phase::Evaluating, None);
        let requests = wanted.clone();
        let wanted: Vec<(&ProfileName, &ProfileRequest)> = wanted.iter().collect();
        let share = wanted.len().div_ceil(processes.get()).max(1);
        let shares = wanted.chunks(share).map(|share| async {
            let only = (share.len() == 1).then(|| share.iter().map(|(name, _)| (*name).clone()));
            let share = share.iter().copied().collect();
            let answer = evaluate(runner, flake, &locked, &share, only.is_none(), context).await;
            (only.and_then(|mut name| name.next()), answer)
        });
        let (mut answers, mut failed) = (Vec::new(), BTreeMap::new());
        for (only, answer) in join_all(shares).await {
            match (only, answer) {
                (_, Ok(answer)) => answers.push(answer),
                // A single configuration needs no second evaluation to tell its error.
                (Some(profile), Err(Stop::Failed(error))) if wanted.len() > 1 => {
                    failed.insert(profile, error);
                }
                // Nix cannot catch some errors, such as type errors, failed downloads and stack
                // overflows. They fail all configurations, so each is then evaluated alone.
                (None, Err(Stop::Failed(error))) if may_be_of_one(&error) => {}
                (_, Err(stop)) => return Err(stop),
            }
        }
        Ok(Self { flake: flake.clone(), locked, wanted: requests, answers, failed })
    }

    /// Returns true if a new evaluation of the same builder would have these results.
    ///
    /// An evaluation is pure: the content of the flake, the requests and the builder's settings
    /// decide it. The flake was just locked again, so an equal hash means equal content, of a
    /// local directory and of a branch of another machine too. The requests have the hashes of
    /// all modules and programs that the builder adds. A collection of garbage may have deleted
    /// derivations since.
    fn holds_for(&self, locked: &Locked, wanted: &BTreeMap<ProfileName, ProfileRequest>) -> bool {
        let has_results = |profile: &ProfileName| {
            self.answers.iter().any(|answer| match answer.configurations.get(profile.as_str()) {
                Some(Configuration::Evaluated(values)) => values.derivations_exist(),
                _ => false,
            })
        };
        locked.nar_hash.is_some()
            && self.locked == *locked
            && self.wanted == *wanted
            && wanted.keys().all(has_results)
    }

    /// The values of a profile's configuration, and the version of Nix.
    pub(crate) async fn values(
        &self,
        runner: &Runner,
        profile: &ProfileName,
        wanted: &ProfileRequest,
        context: &Context,
    ) -> Result<(Values, String), Stop> {
        let answers = &self.answers;
        if let Some(error) = self.failed.get(profile) {
            return Err(error.clone().into());
        }
        if let Some(answer) =
            answers.iter().find(|answer| answer.configurations.contains_key(profile.as_str()))
            && let Some(values) = values_in(answer, profile, wanted)?
        {
            return Ok(values);
        }
        // No attribute can have this name, so it was not evaluated.
        if wanted.name.contains('\0') {
            let available = answers.first().map(|answer| answer.available.as_slice());
            return Err(missing(wanted, available.unwrap_or_default()).into());
        }
        // A caught error has no message. Evaluate again without catching it.
        self.values_anew(runner, profile, wanted, context).await
    }

    /// The values and the version of Nix, from a new evaluation of this configuration alone.
    pub(crate) async fn values_anew(
        &self,
        runner: &Runner,
        profile: &ProfileName,
        wanted: &ProfileRequest,
        context: &Context,
    ) -> Result<(Values, String), Stop> {
        let _phase = context.phase(Phase::Evaluating, None);
        let only = BTreeMap::from([(profile, wanted)]);
        let answer = evaluate(runner, &self.flake, &self.locked, &only, false, context).await?;
        let values = values_in(&answer, profile, wanted)?;
        Ok(values.ok_or_else(|| missing(wanted, &[]))?)
    }

    /// The flake as a manifest may show it: its locked URL without anything that is secret or that
    /// depends on the machine.
    pub(crate) fn source(&self, secrets: &Secrets) -> String {
        shown_url(&self.locked.url, self.locked.nar_hash.as_deref(), secrets)
    }

    /// The flake, with an empty name, and its inputs.
    pub(crate) fn sources(&self, secrets: &Secrets) -> BTreeMap<String, SourceMaterial> {
        let Locked { nar_hash, revision, inputs, .. } = &self.locked;
        let mut own = SourceMaterial::new(self.source(secrets), nar_hash.clone());
        own.revision.clone_from(revision);
        let inputs = inputs.iter().map(|input| {
            let url = shown_url(&input.url, input.nar_hash.as_deref(), secrets);
            let mut source = SourceMaterial::new(url, input.nar_hash.clone());
            source.revision.clone_from(&input.revision);
            (secrets.hide(&input.path), source)
        });
        inputs.chain([(String::new(), own)]).collect()
    }

    /// The provenance of an image with these `outputs`. `hashes` has NAR hashes by store path.
    pub(crate) fn provenance(
        &self,
        outputs: &BTreeMap<&str, Output>,
        hashes: &BTreeMap<String, String>,
        nix_version: String,
        secrets: &Secrets,
    ) -> Provenance {
        let of = |value: fn(&Output) -> &String| {
            outputs
                .iter()
                .map(|(part, output)| ((*part).to_owned(), value(output).clone()))
                .collect()
        };
        let hash_of = |(part, output): (&&str, &Output)| {
            Some(((*part).to_owned(), hashes.get(&output.out)?.clone()))
        };
        let mut provenance = Provenance::new(NAME);
        provenance.source = Some(self.source(secrets));
        provenance.source_hash.clone_from(&self.locked.nar_hash);
        provenance.output_hashes = outputs.iter().filter_map(hash_of).collect();
        provenance.derivations = of(|output| &output.drv);
        provenance.outputs = of(|output| &output.out);
        provenance.tools = BTreeMap::from([("nix".to_owned(), nix_version)]);
        provenance
    }
}

/// The values of a profile's configuration in an answer, or `None` if its evaluation failed.
fn values_in(
    answer: &Answer,
    profile: &ProfileName,
    wanted: &ProfileRequest,
) -> Result<Option<(Values, String)>, Error> {
    match answer.configurations.get(profile.as_str()) {
        Some(Configuration::Evaluated(values)) => {
            let parts = [
                ("system.build.kernel", &values.kernel),
                ("system.build.netbootRamdisk", &values.initrd),
                ("system.build.toplevel", &values.toplevel),
                (SYSTEMD, &values.systemd),
            ];
            for (part, output) in parts {
                let problem = output.as_ref().and_then(|output| output.problem(&answer.store));
                if let Some(problem) = problem {
                    let attribute = format!("{}.config.{part}", attribute(wanted));
                    return Err(Error::UnusableValue { attribute, problem: problem.into() });
                }
            }
            if wanted.systemd && values.systemd.is_none() {
                let attribute = format!("{}.config.{SYSTEMD}", attribute(wanted));
                return Err(Error::AttributeMissing { attribute, available: Vec::new() });
            }
            Ok(Some((values.as_ref().clone(), answer.nix_version.clone())))
        }
        Some(Configuration::Failed) => Ok(None),
        Some(Configuration::Fixed) => Err(Error::NotExtensible { attribute: attribute(wanted) }),
        Some(Configuration::Missing) | None => Err(missing(wanted, &answer.available)),
    }
}

fn attribute(wanted: &ProfileRequest) -> String {
    format!("nixosConfigurations.{}", wanted.name)
}

fn missing(wanted: &ProfileRequest, available: &[String]) -> Error {
    Error::AttributeMissing { attribute: attribute(wanted), available: available.to_vec() }
}

/// Returns true if a single configuration can be the cause of the error.
fn may_be_of_one(error: &Error) -> bool {
    matches!(
        error,
        Error::Evaluation { .. }
            | Error::EvaluationTooLarge { .. }
            | Error::EvaluationTooSlow { .. }
            | Error::AttributeMissing { .. }
            | Error::FeatureDisabled { .. }
            | Error::Git { .. }
            | Error::Interrupted { .. }
            | Error::Network { .. }
            | Error::PermissionDenied { .. }
            | Error::CommandFailed { .. }
            | Error::UnreadableOutput { .. }
    )
}

/// Returns true if a URL names its content by a revision or a hash.
fn is_locked(url: &str) -> bool {
    parameters(url)
        .any(|parameter| ["rev=", "narHash="].iter().any(|name| parameter.starts_with(name)))
        || url.split('?').next().is_some_and(ends_in_revision)
}

/// Returns true for addresses such as `github:owner/name/<revision>`.
fn ends_in_revision(address: &str) -> bool {
    let last = address.rsplit('/').next().unwrap_or(address);
    [40, 64].contains(&last.len()) && last.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_names_its_content_is_locked() {
        let revision = "3ce13170ecbec5206e6149295ff6eeeb203cf29f";
        for url in [
            "path:/x?lastModified=1&narHash=sha256-a".to_owned(),
            format!("git+file:///x?ref=main&rev={revision}"),
            format!("github:owner/name/{revision}"),
        ] {
            assert!(is_locked(&url), "{url}");
        }
        for url in ["git+file:///x", "git+file:///x?ref=main", "github:owner/name"] {
            assert!(!is_locked(url), "{url}");
        }
    }
}
