//! A call of the builder: one evaluation, then the policy and the build of each profile.
//!
//! The builds of several profiles run at the same time, under one lock of the state directory.
//! Nix builds a shared derivation once, and the build that comes first records its log. Therefore
//! the logs of all profiles are collected after all builds have ended.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};

use futures::StreamExt;
use futures::future::BoxFuture;
use netboot_closure::PathToPack;
use netboot_core::secret_scan::SecretReport;
use netboot_core::{Context, Event, Image, Payload, Phase, Profile, ProfileName};

use crate::build_log::LogDirectory;
use crate::builder::evaluate::{Evaluated, report, same_stop};
use crate::builder::options::NixBuilder;
use crate::builder::sizes::ClosureOfParts;
use crate::error::Error;
use crate::evaluation::Evaluation;
use crate::flake_answer::ProfileRequest;
use crate::image::{Parts, System, make_image};
use crate::materials::materials;
use crate::packing::pack;
use crate::realise::{Realisation, Realised};
use crate::roots;
use crate::secrets::cache::Cache;
use crate::secrets::scan_store;
use crate::secrets::store_paths::StorePaths;
use crate::state_lock::StateLock;
use crate::stop::{Stop, blocking};
use crate::warnings::without_repetitions;

/// The built parts of a profile.
struct Built {
    parts: Parts,
    nix_version: String,
    /// True if the initrd was made from the system of the configuration.
    is_in_step: bool,
    realised: Realised,
    /// The NAR hashes of the parts, by path.
    hashes: BTreeMap<String, String>,
    paths: Arc<StorePaths>,
    to_pack: Vec<PathToPack>,
}

/// The shared parts of all builds of a call.
struct Call<'a> {
    builder: &'a NixBuilder,
    wanted: &'a BTreeMap<ProfileName, ProfileRequest>,
    evaluation: &'a Evaluation,
    logs: &'a LogDirectory,
    context: &'a Context,
    secrets: &'a tokio::sync::Mutex<Cache>,
    /// Held by the profile whose closure is packed, so that none packs what another one is packing.
    packing: &'a tokio::sync::Mutex<()>,
}

impl NixBuilder {
    pub(super) async fn build_each(
        &self,
        profiles: &[&dyn Profile],
        context: &Context,
    ) -> Vec<Result<Image, netboot_core::Error>> {
        let context = &without_repetitions(context);
        let mut results: Vec<Result<Image, Stop>> = match self.try_build(profiles, context).await {
            Ok(results) => results,
            Err(stop) => profiles.iter().map(|_| Err(same_stop(&stop))).collect(),
        };
        let mut finished = Vec::with_capacity(profiles.len());
        for (profile, result) in profiles.iter().zip(results.drain(..)) {
            let result = result.map_err(|stop| stop.into_core(profile.name()));
            if let Ok(image) = &result {
                image.warn_if_over(profile.size_budget(), context);
                if image.fetched_size() > profile.size_budget() {
                    self.name_the_largest(*profile, image, context).await;
                }
            }
            let (profile, succeeded) = (profile.name().clone(), result.is_ok());
            context.emit(Event::ProfileFinished { profile, succeeded });
            finished.push(result);
        }
        finished
    }

    /// Builds all profiles. An error concerns all of them.
    async fn try_build(
        &self,
        profiles: &[&dyn Profile],
        context: &Context,
    ) -> Result<Vec<Result<Image, Stop>>, Stop> {
        if profiles.is_empty() {
            return Ok(Vec::new());
        }
        // Only the next build after a check takes its results over.
        let checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (wanted, evaluation) = self.evaluate(profiles, checked, context).await?;
        let mut seen = BTreeSet::new();
        let mut evaluated = Vec::new();
        for profile in profiles {
            let is_first = seen.insert(profile.name());
            evaluated.push((*profile, is_first));
        }
        let (wanted, evaluation) = (&wanted, &evaluation);
        let work = evaluated.into_iter().map(|(profile, is_first)| -> BoxFuture<'_, _> {
            Box::pin(async move {
                if !is_first {
                    return Err(Error::DuplicateProfile.into());
                }
                let mut evaluated = self.evaluated(profile, wanted, evaluation, context).await?;
                let findings = std::mem::take(&mut evaluated.findings);
                report(profile.name(), evaluated.parts.attribute(), findings, context)?;
                Ok(evaluated)
            })
        });
        let evaluated = all(work, self.evaluation_processes).await;
        if evaluated.iter().all(Result::is_err) {
            let failed = evaluated.into_iter().filter_map(Result::err).map(Err);
            return Ok(failed.collect());
        }

        let state = self.state.clone();
        let logs = blocking(move || LogDirectory::create(&state)).await?;
        let _lock = StateLock::acquire(&self.state, context).await?;
        let clean = logs.clone();
        blocking(move || clean.clean()).await?;
        let (state, version) = (self.state.clone(), self.policy.secrets.version());
        let secrets = blocking(move || Ok(Cache::read(&state, version))).await?;
        let secrets = &tokio::sync::Mutex::new(secrets);
        let packing = &tokio::sync::Mutex::new(());
        let logs = &logs;
        let call = Call { builder: self, wanted, evaluation, logs, context, secrets, packing };
        let call = &call;
        let work = profiles.iter().zip(evaluated).map(|(profile, evaluated)| -> BoxFuture<'_, _> {
            Box::pin(async move { call.build(*profile, evaluated?).await })
        });
        let built = all(work, self.concurrent_profiles).await;
        let work = profiles.iter().zip(built).map(|(profile, built)| -> BoxFuture<'_, _> {
            Box::pin(async move { call.image(*profile, built?).await })
        });
        let images = all(work, self.concurrent_profiles).await;
        if let Err(Stop::Failed(error)) = self.remove_old(logs.clone()).await {
            context.emit(Event::Warning {
                profile: None,
                message: format!("cannot remove the roots and logs of earlier builds: {error}"),
                hint: error.hint(),
            });
        }
        Ok(images)
    }

    /// Removes old roots and logs.
    async fn remove_old(&self, logs: LogDirectory) -> Result<(), Stop> {
        let (state, in_use) = (self.state.clone(), self.in_use.to_set());
        let (keep_roots, keep_logs) = (self.keep_roots, self.keep_logs);
        blocking(move || {
            roots::remove_old(&state, &in_use, keep_roots)?;
            logs.remove_old(&in_use, keep_logs)
        })
        .await
    }
}

impl Call<'_> {
    /// Builds the derivations of a profile.
    async fn build(&self, profile: &dyn Profile, evaluated: Evaluated) -> Result<Built, Stop> {
        let _phase = self.context.phase(Phase::Realising, Some(profile.name()));
        match self.realise(profile, evaluated).await {
            // The garbage collector may delete derivations until they are built.
            Err(Stop::Failed(Error::DerivationCollected { .. })) => {
                let (runner, name) = (&self.builder.runner, profile.name());
                let wanted = self.wanted.get(name).ok_or(Stop::Cancelled)?;
                let answer =
                    self.evaluation.values_anew(runner, name, wanted, self.context).await?;
                let evaluated = self.builder.checked(profile, wanted, answer)?;
                self.realise(profile, evaluated).await
            }
            done => done,
        }
    }

    async fn realise(
        &self,
        profile: &dyn Profile,
        Evaluated { parts, nix_version, .. }: Evaluated,
    ) -> Result<Built, Stop> {
        let realisation = self.realisation(profile, &parts);
        let outputs = parts.built_outputs();
        let of_initrd = realisation.requisites(&[&parts.initrd.drv]).await?;
        let is_in_step = of_initrd.contains(&parts.toplevel.drv);
        // NixOS's initrd is made from the other parts, so its requisites include theirs.
        let mut requisites = of_initrd;
        let derivations = outputs.iter().map(|output| output.drv.as_str());
        let others: Vec<&str> =
            derivations.filter(|derivation| !requisites.contains(*derivation)).collect();
        if !others.is_empty() {
            requisites.extend(realisation.requisites(&others).await?);
        }
        let secrets = &self.builder.runner.secrets;
        let header = parts.log_header(&self.evaluation.source(secrets), &nix_version);
        let inputs = requisites.clone();
        let realised = realisation.realise(&outputs, requisites, header).await?;
        let closure = self.builder.closure_of_parts(&parts, profile, self.context).await?;
        let ClosureOfParts { hashes, closure, to_pack } = closure;
        let paths = Arc::new(StorePaths { closure, requisites: inputs });
        Ok(Built { parts, nix_version, is_in_step, realised, hashes, paths, to_pack })
    }

    fn realisation<'a>(&'a self, profile: &'a dyn Profile, parts: &'a Parts) -> Realisation<'a> {
        Realisation {
            runner: &self.builder.runner,
            state: &self.builder.state,
            logs: self.logs,
            profile: profile.name(),
            attribute: parts.attribute(),
            context: self.context,
            scale_out: &self.builder.scale_out,
            in_use: &self.builder.in_use,
        }
    }

    /// Makes the image from the built parts.
    async fn image(&self, profile: &dyn Profile, built: Built) -> Result<Image, Stop> {
        let Built { parts, nix_version, is_in_step, realised, hashes, paths, to_pack } = built;
        let outputs = parts.outputs();
        let policy = &self.builder.policy.secrets;
        let mut report = SecretReport::new(policy);
        if policy.scans_anything() {
            let of = (profile.name(), self.context);
            scan_store(policy, &parts, &paths, self.secrets, &mut report, of).await?;
        }
        let log = self.realisation(profile, &parts).log(&outputs, realised).await?;
        let secrets = &self.builder.runner.secrets;
        let provenance = self.evaluation.provenance(&outputs, &hashes, nix_version, secrets);
        let request = self.wanted.get(profile.name()).ok_or(Stop::Cancelled)?;
        let (closure, licences) = (&paths.closure, &parts.licences);
        let mut materials = materials(self.evaluation, request, closure, licences, secrets);
        let payload = self.builder.payload_of(profile).to_string();
        materials.parameters.insert("payload".to_owned(), payload.into());
        let system = match self.builder.payload_of(profile) {
            Payload::Closure => {
                let _turn = self.packing.lock().await;
                let packer = &self.builder.packer;
                System::Closure(pack(packer, &parts, to_pack, profile, self.context).await?)
            }
            Payload::External => System::External,
            _ => System::Initrd { is_in_step },
        };
        let scan = (&mut report, policy, paths);
        let image = make_image(profile, parts, system, &log, scan, self.context).await?;
        let image = image.provenance(provenance).materials(materials).build()?;
        report.finish(profile.name(), self.context)?;
        self.builder.send(&outputs, self.context).await?;
        Ok(image)
    }
}

/// Runs all `work`, `at_a_time` at once, and returns the results in the order of `work`.
async fn all<'a, T: Send>(
    work: impl Iterator<Item = BoxFuture<'a, T>>,
    at_a_time: std::num::NonZeroUsize,
) -> Vec<T> {
    let work: Vec<BoxFuture<'a, T>> = work.collect();
    futures::stream::iter(work).buffered(at_a_time.get()).collect().await
}
