//! The trait of builders, which make images from profiles.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::context::Context;
use crate::error::Error;
use crate::image::Image;
use crate::profile::Profile;

/// Makes images from profiles: with Nix, from existing files, or in a way of the caller's own.
///
/// # Contract
/// 1. `build` returns an image with the profile, title, services and architecture that were asked
///    for. The profile's kernel parameters follow those of the configuration.
/// 2. `build_all` returns one result for each profile, in the order of the profiles. Each result is
///    the one that `build` would return.
/// 3. If one profile fails, the others are still built.
/// 4. An error names its profile, with [`Error::build`] or with another variant.
/// 5. The image's artifacts stay readable for as long as the builder documents, and at least until
///    the process ends.
/// 6. Building an unchanged profile again gives the same image, with an equal manifest.
/// 7. The builder emits a [`ProfileFinished`](crate::Event::ProfileFinished) event for each
///    profile.
/// 8. When the context is cancelled, the work ends soon with [`Error::Cancelled`] as the error or
///    its cause. Dropping the future also ends the work. The builder leaves no child process and
///    nothing half-written.
/// 9. The builder has a name, which messages show.
///
/// The feature `contract` provides a suite that checks a builder against this contract.
///
/// ```
/// use netboot_core::{Builder, Context, Error, Image, Profile, async_trait};
///
/// /// Builds with one builder, and on failure with another.
/// #[derive(Debug)]
/// struct Fallback { first: Box<dyn Builder>, second: Box<dyn Builder> }
///
/// #[async_trait]
/// impl Builder for Fallback {
///     fn name(&self) -> &str { "fallback" }
///     async fn build(&self, profile: &dyn Profile, context: &Context) -> Result<Image, Error> {
///         match self.first.build(profile, context).await {
///             Err(error) if !matches!(error, Error::Cancelled) => {
///                 self.second.build(profile, context).await
///             }
///             done => done,
///         }
///     }
/// }
/// ```
#[async_trait]
pub trait Builder: fmt::Debug + Send + Sync {
    /// The builder's name, for messages and provenance.
    fn name(&self) -> &str;

    /// Builds one profile.
    ///
    /// # Errors
    /// [`Error::Build`] around the backend's own error, or another variant of [`Error`].
    async fn build(&self, profile: &dyn Profile, context: &Context) -> Result<Image, Error>;

    /// Builds several profiles, and shares the work that they have in common. The default
    /// implementation builds one profile after the other. It first reports all of them with
    /// [`Context::wait_for`].
    ///
    /// It returns one result for each profile. To continue only if all succeeded, collect the
    /// results into one:
    ///
    /// ```
    /// use std::sync::Arc;
    /// use netboot_core::{Builder, Context, Error, Image, Profile, ProfileSpec};
    ///
    /// async fn build(
    ///     builder: &dyn Builder,
    ///     profiles: Vec<ProfileSpec>,
    ///     context: &Context,
    /// ) -> Result<Vec<Image>, Error> {
    ///     let profiles: Vec<Arc<dyn Profile>> = profiles.into_iter().map(Into::into).collect();
    ///     builder.build_all(&profiles, context).await.into_iter().collect()
    /// }
    /// ```
    async fn build_all(
        &self,
        profiles: &[Arc<dyn Profile>],
        context: &Context,
    ) -> Vec<Result<Image, Error>> {
        context.wait_for(profiles.iter().map(|profile| profile.name()));
        let mut results = Vec::with_capacity(profiles.len());
        for profile in profiles {
            results.push(self.build(profile.as_ref(), context).await);
        }
        results
    }
}

/// Implements the trait for a pointer.
macro_rules! forward_builder {
    ($pointer:ident) => {
        #[async_trait]
        impl<B: Builder + ?Sized> Builder for $pointer<B> {
            fn name(&self) -> &str {
                (**self).name()
            }

            async fn build(
                &self,
                profile: &dyn Profile,
                context: &Context,
            ) -> Result<Image, Error> {
                (**self).build(profile, context).await
            }

            async fn build_all(
                &self,
                profiles: &[Arc<dyn Profile>],
                context: &Context,
            ) -> Vec<Result<Image, Error>> {
                (**self).build_all(profiles, context).await
            }
        }
    };
}

// Several tasks can share a builder, and a caller can keep any kind of one.
forward_builder!(Arc);
forward_builder!(Box);
