//! Builds images with Nix.

mod build;
mod evaluate;
mod options;
mod sizes;

use std::sync::Arc;

use async_trait::async_trait;
use netboot_core::{Builder, Context, Image, Profile};

pub use self::options::{NixBuilder, NixBuilderOptions};
use crate::policy::finding::PolicyFinding;
use crate::size::SizeReport;
use crate::stop::{NAME, Stop};
use crate::warnings::without_repetitions;

impl NixBuilder {
    /// Evaluates the configurations of profiles and checks the [`Policy`](crate::Policy) without
    /// building anything. Returns the findings for each profile, including findings that would deny
    /// a build.
    ///
    /// A build does all of this itself, before it builds anything. Call this to see the findings
    /// without a build. A build of these profiles by this builder that follows does not evaluate
    /// them again, unless the content of the flake has changed: the build locks the flake again and
    /// compares its hash.
    ///
    /// # Errors
    /// The errors of an evaluation.
    pub async fn check(
        &self,
        profiles: &[Arc<dyn Profile>],
        context: &Context,
    ) -> Vec<Result<Vec<PolicyFinding>, netboot_core::Error>> {
        let profiles: Vec<&dyn Profile> = profiles.iter().map(AsRef::as_ref).collect();
        self.check_each(&profiles, context).await
    }

    /// Lists the names of the flake's `nixosConfigurations`. Evaluates none of them, so a name may
    /// belong to a configuration that is not for the network, or that fails.
    ///
    /// # Errors
    /// [`netboot_core::Error::Listing`] around the errors of an evaluation.
    pub async fn configurations(
        &self,
        context: &Context,
    ) -> Result<Vec<String>, netboot_core::Error> {
        self.list(&without_repetitions(context)).await.map_err(Stop::into_listing)
    }

    /// Reports what makes an image large. This builder must have made the image for `profile`.
    ///
    /// # Errors
    /// [`Error::NoToplevel`](crate::Error::NoToplevel) for an image of another builder, and errors
    /// of Nix.
    pub async fn size_report(
        &self,
        profile: &dyn Profile,
        image: &Image,
        context: &Context,
    ) -> Result<SizeReport, netboot_core::Error> {
        let report = self.report_size(profile, image, &without_repetitions(context)).await;
        report.map_err(|stop| stop.into_core(profile.name()))
    }
}

#[async_trait]
impl Builder for NixBuilder {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn build(
        &self,
        profile: &dyn Profile,
        context: &Context,
    ) -> Result<Image, netboot_core::Error> {
        self.build_each(&[profile], context)
            .await
            .pop()
            .unwrap_or(Err(netboot_core::Error::Cancelled))
    }

    async fn build_all(
        &self,
        profiles: &[Arc<dyn Profile>],
        context: &Context,
    ) -> Vec<Result<Image, netboot_core::Error>> {
        let profiles: Vec<&dyn Profile> = profiles.iter().map(AsRef::as_ref).collect();
        context.wait_for(profiles.iter().map(|profile| profile.name()));
        self.build_each(&profiles, context).await
    }
}
