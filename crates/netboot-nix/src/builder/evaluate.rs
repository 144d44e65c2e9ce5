//! The steps of a call before the build: the evaluation and the policy.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use netboot_core::{Context, Event, Payload, Phase, Profile, ProfileName};

use crate::builder::options::NixBuilder;
use crate::closure_boot;
use crate::error::Error;
use crate::evaluation::Evaluation;
use crate::flake::{evaluate, lock};
use crate::flake_answer::{ProfileRequest, Values};
use crate::image::{Parts, stub_name};
use crate::overrides::embed::embed;
use crate::policy::finding::PolicyFinding;
use crate::stop::Stop;
use crate::warnings::without_repetitions;
use netboot_core::secret_scan::Severity;

/// The result of the evaluation for one profile.
pub(super) struct Evaluated {
    pub(super) parts: Parts,
    pub(super) findings: Vec<PolicyFinding>,
    pub(super) nix_version: String,
}

impl NixBuilder {
    pub(super) async fn check_each(
        &self,
        profiles: &[&dyn Profile],
        context: &Context,
    ) -> Vec<Result<Vec<PolicyFinding>, netboot_core::Error>> {
        if profiles.is_empty() {
            return Vec::new();
        }
        let context = &without_repetitions(context);
        let evaluation = self.evaluate(profiles, None, context).await;
        if let Ok((_, evaluation)) = &evaluation {
            *self.checked.lock().unwrap_or_else(PoisonError::into_inner) = Some(evaluation.clone());
        }
        let mut results = Vec::with_capacity(profiles.len());
        for profile in profiles {
            let result = match &evaluation {
                Ok((wanted, evaluation)) => {
                    self.evaluated(*profile, wanted, evaluation, context).await
                }
                Err(stop) => Err(same_stop(stop)),
            };
            let result = result.map(|evaluated| evaluated.findings);
            results.push(result.map_err(|stop| stop.into_core(profile.name())));
        }
        results
    }

    /// Evaluates the flake once for all these profiles, unless the results of `earlier` are valid.
    pub(super) async fn evaluate(
        &self,
        profiles: &[&dyn Profile],
        earlier: Option<Evaluation>,
        context: &Context,
    ) -> Result<(BTreeMap<ProfileName, ProfileRequest>, Evaluation), Stop> {
        let mut wanted = BTreeMap::new();
        for profile in profiles {
            wanted.insert(profile.name().clone(), self.wanted(*profile, context).await?);
        }
        // No attribute has a NUL character in its name, and Nix cannot read one.
        let asked = wanted.iter().filter(|(_, wanted)| !wanted.name.contains('\0'));
        let asked = asked.map(|(name, wanted)| (name.clone(), wanted.clone())).collect();
        let evaluation = Evaluation::of(
            &self.runner,
            &self.flake,
            &asked,
            self.evaluation_processes,
            earlier,
            context,
        )
        .await?;
        Ok((wanted, evaluation))
    }

    /// The names of all configurations of the flake.
    pub(super) async fn list(&self, context: &Context) -> Result<Vec<String>, Stop> {
        let locked = lock(&self.runner, &self.flake, context).await?;
        let _phase = context.phase(Phase::Evaluating, None);
        let none = BTreeMap::new();
        let answer = evaluate(&self.runner, &self.flake, &locked, &none, true, context).await?;
        Ok(answer.available)
    }

    /// The payload of a profile's image.
    pub(super) fn payload_of(&self, profile: &dyn Profile) -> Payload {
        profile.payload().unwrap_or(self.payload)
    }

    async fn wanted(
        &self,
        profile: &dyn Profile,
        context: &Context,
    ) -> Result<ProfileRequest, Stop> {
        let overrides = match self.profile_overrides.get(profile.name()) {
            Some(overrides) => self.overrides.and(overrides),
            None => self.overrides.clone(),
        };
        let overrides = if overrides.is_empty() {
            None
        } else {
            Some(embed(overrides, &self.runner, context).await?)
        };
        let closure = match (self.payload_of(profile), &self.closure_boot) {
            (Payload::Closure, Some(given)) => {
                Some(closure_boot::embed(given, &self.runner, context).await?)
            }
            _ => None,
        };
        let services = self.policy.checks_anything().then(|| profile.services().to_vec());
        let (name, licences) = ((self.mapping)(profile), self.licences);
        let systemd = self.uki_stub && stub_name(profile.architecture()).is_some();
        Ok(ProfileRequest { name, overrides, closure, services, licences, systemd })
    }

    /// Reads the result of the evaluation for a profile, and checks the policy.
    pub(super) async fn evaluated(
        &self,
        profile: &dyn Profile,
        wanted: &BTreeMap<ProfileName, ProfileRequest>,
        evaluation: &Evaluation,
        context: &Context,
    ) -> Result<Evaluated, Stop> {
        if self.payload_of(profile) == Payload::Closure {
            let closure_boot = self.closure_boot.as_ref().ok_or(Error::NoClosureProgram)?;
            closure_boot.check(profile.architecture())?;
        }
        let name = profile.name();
        let wanted = wanted.get(name).ok_or(Stop::Cancelled)?;
        let answer = evaluation.values(&self.runner, name, wanted, context).await?;
        self.checked(profile, wanted, answer)
    }

    pub(super) fn checked(
        &self,
        profile: &dyn Profile,
        wanted: &ProfileRequest,
        (mut values, nix_version): (Values, String),
    ) -> Result<Evaluated, Stop> {
        let reading = values.policy.take();
        let parts = Parts::read(&format!("nixosConfigurations.{}", wanted.name), profile, values)?;
        let findings = reading.map_or_else(Vec::new, |reading| {
            self.policy.check(profile, &reading, parts.kernel_parameters())
        });
        Ok(Evaluated { parts, findings, nix_version })
    }
}

/// Reports findings as warnings. Returns an error if a finding denies the build.
pub(super) fn report(
    profile: &ProfileName,
    attribute: &str,
    findings: Vec<PolicyFinding>,
    context: &Context,
) -> Result<(), Error> {
    let (denied, warned): (Vec<_>, Vec<_>) =
        findings.into_iter().partition(|finding| finding.severity == Severity::Deny);
    for finding in warned {
        context.emit(Event::Warning {
            profile: Some(profile.clone()),
            message: finding.to_string(),
            hint: Some(finding.problem.hint()),
        });
    }
    if denied.is_empty() {
        return Ok(());
    }
    Err(Error::PolicyViolated { attribute: attribute.to_owned(), findings: denied })
}

/// A copy of the reason that stopped the evaluation, for another profile.
pub(super) fn same_stop(stop: &Stop) -> Stop {
    match stop {
        Stop::Failed(error) => Stop::Failed(error.clone()),
        Stop::Cancelled | Stop::Core(_) => Stop::Cancelled,
    }
}
