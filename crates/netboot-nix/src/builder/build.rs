//! A call of the builder: one evaluation, then policy and build for each profile.

use std::collections::{BTreeMap, BTreeSet};

use netboot_core::{Context, Event, Image, Profile, ProfileName};

use super::NixBuilder;
use crate::build_log::LogDirectory;
use crate::evaluation::Evaluation;
use crate::image::{Parts, make_image};
use crate::overrides::embed;
use crate::probe::Wanted;
use crate::process::Stop;
use crate::realise::Realisation;
use crate::{Error, PolicyFinding, Severity};

/// What the evaluation gave for one profile.
struct Evaluated {
    parts: Parts,
    findings: Vec<PolicyFinding>,
    nix_version: String,
}

impl NixBuilder {
    pub(super) async fn build_each(
        &self,
        profiles: &[&dyn Profile],
        context: &Context,
    ) -> Vec<Result<Image, netboot_core::Error>> {
        if profiles.is_empty() {
            return Vec::new();
        }
        let evaluation = self.evaluate(profiles, context).await;
        let mut seen = BTreeSet::new();
        let mut results = Vec::with_capacity(profiles.len());
        for profile in profiles {
            let name = profile.name();
            let result = match &evaluation {
                _ if !seen.insert(name) => Err(Error::DuplicateProfile.into()),
                Ok((wanted, evaluation)) => self.image(*profile, wanted, evaluation, context).await,
                Err(stop) => Err(again(stop)),
            };
            let result = result.map_err(|stop| stop.into_core(name));
            if let Ok(image) = &result {
                image.warn_if_over(profile.size_budget(), context);
                if image.payload_size() > profile.size_budget() {
                    self.name_the_largest(*profile, image, context).await;
                }
            }
            let (profile, succeeded) = (name.clone(), result.is_ok());
            context.emit(Event::ProfileFinished { profile, succeeded });
            results.push(result);
        }
        results
    }

    pub(super) async fn check_each(
        &self,
        profiles: &[&dyn Profile],
        context: &Context,
    ) -> Vec<Result<Vec<PolicyFinding>, netboot_core::Error>> {
        if profiles.is_empty() {
            return Vec::new();
        }
        let evaluation = self.evaluate(profiles, context).await;
        let mut results = Vec::with_capacity(profiles.len());
        for profile in profiles {
            let result = match &evaluation {
                Ok((wanted, evaluation)) => {
                    self.evaluated(*profile, wanted, evaluation, context).await
                }
                Err(stop) => Err(again(stop)),
            };
            let result = result.map(|evaluated| evaluated.findings);
            results.push(result.map_err(|stop| stop.into_core(profile.name())));
        }
        results
    }

    /// Asks the flake once for all that these profiles need.
    async fn evaluate(
        &self,
        profiles: &[&dyn Profile],
        context: &Context,
    ) -> Result<(BTreeMap<ProfileName, Wanted>, Evaluation), Stop> {
        let mut wanted = BTreeMap::new();
        for profile in profiles {
            wanted.insert(profile.name().clone(), self.wanted(*profile, context).await?);
        }
        // No attribute has a NUL character in its name, and Nix could not read one.
        let asked = wanted.iter().filter(|(_, wanted)| !wanted.name.contains('\0'));
        let asked = asked.map(|(name, wanted)| (name.clone(), wanted.clone())).collect();
        let evaluation = Evaluation::of(&self.runner, &self.flake, &asked, context).await?;
        Ok((wanted, evaluation))
    }

    async fn wanted(&self, profile: &dyn Profile, context: &Context) -> Result<Wanted, Stop> {
        let overrides = match self.profile_overrides.get(profile.name()) {
            Some(overrides) => self.overrides.and(overrides),
            None => self.overrides.clone(),
        };
        let overrides = if overrides.is_empty() {
            None
        } else {
            Some(embed(overrides, &self.runner, context).await?)
        };
        let services = self.policy.checks_anything().then(|| profile.services().to_vec());
        Ok(Wanted { name: (self.mapping)(profile), overrides, services })
    }

    /// Reads what the evaluation gave for a profile, and checks it by the policy.
    async fn evaluated(
        &self,
        profile: &dyn Profile,
        wanted: &BTreeMap<ProfileName, Wanted>,
        evaluation: &Evaluation,
        context: &Context,
    ) -> Result<Evaluated, Stop> {
        let name = profile.name();
        let wanted = wanted.get(name).ok_or(Stop::Cancelled)?;
        let (mut values, nix_version) =
            evaluation.values(&self.runner, name, wanted, context).await?;
        let reading = values.policy.take();
        let parts = Parts::read(&format!("nixosConfigurations.{}", wanted.name), profile, values)?;
        let findings = reading.map_or_else(Vec::new, |reading| {
            self.policy.check(profile, &reading, parts.kernel_parameters())
        });
        Ok(Evaluated { parts, findings, nix_version })
    }

    async fn image(
        &self,
        profile: &dyn Profile,
        wanted: &BTreeMap<ProfileName, Wanted>,
        evaluation: &Evaluation,
        context: &Context,
    ) -> Result<Image, Stop> {
        let Evaluated { parts, findings, nix_version } =
            self.evaluated(profile, wanted, evaluation, context).await?;
        report(profile.name(), parts.attribute(), findings, context)?;
        let logs = LogDirectory::create(&self.state)?;
        let realisation = Realisation {
            runner: &self.runner,
            state: &self.state,
            logs: &logs,
            profile: profile.name(),
            context,
            keep_roots: self.keep_roots,
            taken_roots: &self.taken_roots,
        };
        let outputs = parts.outputs();
        let derivations: Vec<&str> = outputs.values().map(|output| output.drv.as_str()).collect();
        let requisites = realisation.requisites(&derivations).await?;
        let of_initrd = realisation.requisites(&[&parts.initrd.drv]).await?;
        let is_in_step = of_initrd.contains(&parts.toplevel.drv);
        let header = parts.log_header(&evaluation.source(), &nix_version);
        let log = realisation.realise(&outputs, &requisites, &header).await?;
        self.refuse_oversized_files(&parts, context).await?;
        let image = make_image(profile, parts, is_in_step, &log, context);
        image
            .await
            .map(|builder| builder.provenance(evaluation.provenance(&outputs, nix_version)))?
            .build()
            .map_err(Stop::from)
    }
}

/// Warns of findings; an error if one of them denies the build.
fn report(
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
            hint: Some(finding.problem.remedy()),
        });
    }
    if denied.is_empty() {
        return Ok(());
    }
    Err(Error::PolicyViolated { attribute: attribute.to_owned(), findings: denied })
}

/// What stopped the evaluation, for one more of its profiles.
fn again(stop: &Stop) -> Stop {
    match stop {
        Stop::Failed(error) => Stop::Failed(error.clone()),
        Stop::Cancelled | Stop::Core(_) => Stop::Cancelled,
    }
}
