//! A call of the builder: one evaluation, then policy and build for each profile.

use std::collections::{BTreeMap, BTreeSet};

use netboot_core::{Context, Event, Image, Profile, ProfileName};

use super::NixBuilder;
use crate::blocking::blocking;
use crate::build_log::LogDirectory;
use crate::evaluation::Evaluation;
use crate::image::{Parts, make_image};
use crate::overrides::embed;
use crate::path_info::nar_hashes;
use crate::probe::{Values, Wanted};
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
        let answer = evaluation.values(&self.runner, name, wanted, context).await?;
        self.checked(profile, wanted, answer)
    }

    fn checked(
        &self,
        profile: &dyn Profile,
        wanted: &Wanted,
        (mut values, nix_version): (Values, String),
    ) -> Result<Evaluated, Stop> {
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
        let mut evaluated = self.evaluated(profile, wanted, evaluation, context).await?;
        let findings = std::mem::take(&mut evaluated.findings);
        report(profile.name(), evaluated.parts.attribute(), findings, context)?;
        match self.realised(profile, evaluated, evaluation, context).await {
            // The derivations are not kept from the garbage collector until they are built.
            Err(Stop::Failed(Error::DerivationCollected { .. })) => {
                let wanted = wanted.get(profile.name()).ok_or(Stop::Cancelled)?;
                let answer =
                    evaluation.values_anew(&self.runner, profile.name(), wanted, context).await?;
                let evaluated = self.checked(profile, wanted, answer)?;
                self.realised(profile, evaluated, evaluation, context).await
            }
            done => done,
        }
    }

    /// Builds what was evaluated, and makes the image of it.
    async fn realised(
        &self,
        profile: &dyn Profile,
        Evaluated { parts, nix_version, .. }: Evaluated,
        evaluation: &Evaluation,
        context: &Context,
    ) -> Result<Image, Stop> {
        let state = self.state.clone();
        let logs = blocking(move || LogDirectory::create(&state)).await?;
        let realisation = Realisation {
            runner: &self.runner,
            state: &self.state,
            logs: &logs,
            profile: profile.name(),
            attribute: parts.attribute(),
            context,
            scale_out: &self.scale_out,
            keep_roots: self.keep_roots,
            keep_logs: self.keep_logs,
            taken: &self.taken,
        };
        let outputs = parts.outputs();
        let of_initrd = realisation.requisites(&[&parts.initrd.drv]).await?;
        let is_in_step = of_initrd.contains(&parts.toplevel.drv);
        // NixOS's initrd is made of all the rest, so that its requisites are those of all.
        let derivations: Vec<&str> = outputs.values().map(|output| output.drv.as_str()).collect();
        let requisites = if derivations.iter().all(|derivation| of_initrd.contains(*derivation)) {
            of_initrd
        } else {
            realisation.requisites(&derivations).await?
        };
        let header = parts.log_header(&evaluation.source(), &nix_version);
        let log = realisation.realise(&outputs, &requisites, &header).await?;
        self.refuse_oversized_files(&parts, context).await?;
        let paths: Vec<&str> = outputs.values().map(|output| output.out.as_str()).collect();
        let hashes = nar_hashes(&self.runner, &paths, context).await?;
        let provenance = evaluation.provenance(&outputs, &hashes, nix_version);
        let image = make_image(profile, parts, is_in_step, &log, context).await?;
        Ok(image.provenance(provenance).build()?)
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
