//! What a flake says of several configurations: asked once, and again only for those that failed.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use futures::future::join_all;
use netboot_core::{Context, Event, Phase, ProfileName, Provenance};

use crate::error::Error;
use crate::flake::{Locked, evaluate, lock};
use crate::flake_answer::{Answer, Configuration, Output, ProfileRequest, Values};
use crate::flake_reference::FlakeReference;
use crate::redaction::without_credentials;
use crate::runner::Runner;
use crate::stop::NAME;
use crate::stop::Stop;

/// A flake that was locked and evaluated.
#[derive(Debug)]
pub(crate) struct Evaluation {
    flake: FlakeReference,
    locked: Locked,
    /// What each process said; nothing of those that failed.
    answers: Vec<Answer>,
}

impl Evaluation {
    /// Locks the flake, and evaluates it for all that is `wanted`: once, or once in each of so many
    /// processes that share it out.
    pub(crate) async fn of(
        runner: &Runner,
        flake: &FlakeReference,
        wanted: &BTreeMap<ProfileName, ProfileRequest>,
        processes: NonZeroUsize,
        context: &Context,
    ) -> Result<Self, Stop> {
        let locked = lock(runner, flake, context).await?;
        if !is_locked(&locked.url) {
            context.emit(Event::Warning {
                profile: None,
                message: format!("the flake `{flake}` has changes that no revision holds"),
                hint: Some("commit them, so that the images can be built again".to_owned()),
            });
        }
        let _phase = context.phase(Phase::Evaluating, None);
        let wanted: Vec<(&ProfileName, &ProfileRequest)> = wanted.iter().collect();
        let share = wanted.len().div_ceil(processes.get()).max(1);
        let shares = wanted.chunks(share).map(|share| async {
            let share = share.iter().copied().collect();
            evaluate(runner, flake, &locked.url, &share, true, context).await
        });
        let mut answers = Vec::new();
        for answer in join_all(shares).await {
            match answer {
                Ok(answer) => answers.push(answer),
                // What cannot be caught in Nix sinks every configuration, be it a type error, a
                // failed download or a stack that overflowed; single evaluations find the one it
                // belongs to.
                Err(Stop::Failed(error)) if wanted.len() > 1 && may_be_of_one(&error) => {}
                Err(stop) => return Err(stop),
            }
        }
        Ok(Self { flake: flake.clone(), locked, answers })
    }

    /// The values of a profile's configuration, and the version of Nix that read them.
    pub(crate) async fn values(
        &self,
        runner: &Runner,
        profile: &ProfileName,
        wanted: &ProfileRequest,
        context: &Context,
    ) -> Result<(Values, String), Stop> {
        let answers = &self.answers;
        if let Some(answer) =
            answers.iter().find(|answer| answer.configurations.contains_key(profile.as_str()))
            && let Some(values) = values_in(answer, profile, wanted)?
        {
            return Ok(values);
        }
        // A name that no attribute can have was not asked for.
        if wanted.name.contains('\0') {
            let available = answers.first().map(|answer| answer.available.as_slice());
            return Err(missing(wanted, available.unwrap_or_default()).into());
        }
        // The message of what throws is lost where it is caught: ask again, without catching.
        self.values_anew(runner, profile, wanted, context).await
    }

    /// The same of an evaluation of this configuration alone.
    pub(crate) async fn values_anew(
        &self,
        runner: &Runner,
        profile: &ProfileName,
        wanted: &ProfileRequest,
        context: &Context,
    ) -> Result<(Values, String), Stop> {
        let _phase = context.phase(Phase::Evaluating, None);
        let only = BTreeMap::from([(profile, wanted)]);
        let answer = evaluate(runner, &self.flake, &self.locked.url, &only, false, context).await?;
        let values = values_in(&answer, profile, wanted)?;
        Ok(values.ok_or_else(|| missing(wanted, &[]))?)
    }

    /// The locked URL as it may be shown and stored.
    pub(crate) fn source(&self) -> String {
        without_directories(&without_clock(&without_credentials(&self.locked.url)))
    }

    /// Where an image with these `outputs` comes from, whose NAR hashes are known by path.
    pub(crate) fn provenance(
        &self,
        outputs: &BTreeMap<&str, Output>,
        hashes: &BTreeMap<String, String>,
        nix_version: String,
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
        provenance.source = Some(self.source());
        provenance.source_hash.clone_from(&self.locked.nar_hash);
        provenance.output_hashes = outputs.iter().filter_map(hash_of).collect();
        provenance.derivations = of(|output| &output.drv);
        provenance.outputs = of(|output| &output.out);
        provenance.tools = BTreeMap::from([("nix".to_owned(), nix_version)]);
        provenance
    }
}

/// What an answer has of a profile's configuration; nothing if it failed to be evaluated.
fn values_in(
    answer: &Answer,
    profile: &ProfileName,
    wanted: &ProfileRequest,
) -> Result<Option<(Values, String)>, Error> {
    match answer.configurations.get(profile.as_str()) {
        Some(Configuration::Evaluated(values)) => {
            let parts = [
                ("kernel", &values.kernel),
                ("netbootRamdisk", &values.initrd),
                ("toplevel", &values.toplevel),
            ];
            for (part, output) in parts {
                let problem = output.as_ref().and_then(|output| output.problem(&answer.store));
                if let Some(problem) = problem {
                    let attribute = format!("{}.config.system.build.{part}", attribute(wanted));
                    return Err(Error::UnusableValue { attribute, problem: problem.to_owned() });
                }
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

/// Whether one configuration alone can be the cause of an error.
fn may_be_of_one(error: &Error) -> bool {
    matches!(
        error,
        Error::Evaluation { .. }
            | Error::AttributeMissing { .. }
            | Error::FeatureDisabled { .. }
            | Error::FileNotTracked { .. }
            | Error::Interrupted { .. }
            | Error::Network { .. }
            | Error::PermissionDenied { .. }
            | Error::CommandFailed { .. }
            | Error::UnreadableOutput { .. }
    )
}

/// Whether a URL names its content: by a revision, or by a hash.
fn is_locked(url: &str) -> bool {
    parameters(url)
        .any(|parameter| ["rev=", "narHash="].iter().any(|name| parameter.starts_with(name)))
        || url.split('?').next().is_some_and(ends_in_revision)
}

/// `github:owner/name/<revision>` and the like.
fn ends_in_revision(address: &str) -> bool {
    let last = address.rsplit('/').next().unwrap_or(address);
    [40, 64].contains(&last.len()) && last.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn parameters(url: &str) -> impl Iterator<Item = &str> {
    url.split_once('?').map_or("", |(_, query)| query).split('&').filter(|text| !text.is_empty())
}

/// Leaves out `lastModified`, which changes when a file of a local flake is merely touched.
fn without_clock(url: &str) -> String {
    let address = url.split('?').next().unwrap_or(url);
    let kept: Vec<&str> =
        parameters(url).filter(|parameter| !parameter.starts_with("lastModified=")).collect();
    if kept.is_empty() { address.to_owned() } else { format!("{address}?{}", kept.join("&")) }
}

/// Of a local flake, leaves its own directory's name only: where it lies on the machine that built
/// it is nobody's business who reads a published manifest, and does not change what was built.
fn without_directories(url: &str) -> String {
    let address = url.split('?').next().unwrap_or(url);
    let local = ["path:/", "git+file:///", "file:///", "/"];
    let Some(scheme) = local.iter().find(|scheme| address.starts_with(**scheme)) else {
        return url.to_owned();
    };
    let name = address.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    format!("{}{name}{}", scheme.trim_end_matches('/'), &url[address.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_local_flake_only_its_name_is_told() {
        for (url, shown) in [
            ("path:/home/alice/infra?narHash=s", "path:infra?narHash=s"),
            ("git+file:///home/alice/infra?rev=1&dir=a", "git+file:infra?rev=1&dir=a"),
            ("git+ssh://git@host/infra?rev=1", "git+ssh://git@host/infra?rev=1"),
            ("github:owner/name/1", "github:owner/name/1"),
        ] {
            assert_eq!(without_directories(url), shown);
        }
    }

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

    #[test]
    fn a_clock_is_left_out() {
        assert_eq!(without_clock("path:/x?lastModified=1&narHash=s"), "path:/x?narHash=s");
        assert_eq!(without_clock("path:/x?lastModified=1"), "path:/x");
        assert_eq!(without_clock("git+file:///x?rev=1&dir=a"), "git+file:///x?rev=1&dir=a");
    }
}
