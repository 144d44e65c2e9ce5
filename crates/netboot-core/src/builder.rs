//! How images are made.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::context::Context;
use crate::error::Error;
use crate::image::Image;
use crate::profile::Profile;

/// Makes images of profiles: with Nix, from files that exist already, or however a caller does.
///
/// # Contract
/// 1. `build` gives an image whose profile, title, services and architecture are those that were
///    asked for, with the profile's kernel parameters behind the configuration's.
/// 2. `build_all` gives one result for each profile, in the order they were given in; each is what
///    `build` would give.
/// 3. One profile that fails does not keep the others from being built.
/// 4. An error names the profile it belongs to, by [`Error::build`] or a variant of its own.
/// 5. The image's artifacts stay readable for as long as the builder says it keeps them, which is
///    at least until the process ends.
/// 6. Building again what has not changed gives the same image: equal manifests.
/// 7. A [`ProfileFinished`](crate::Event::ProfileFinished) event is emitted for each profile.
/// 8. A cancelled context ends the work soon with [`Error::Cancelled`], itself or as the cause;
///    dropping the future ends it too. No child process is left, and nothing half-written.
///
/// The feature `contract` has a suite that holds a builder to this.
///
/// ```
/// use async_trait::async_trait;
/// use netboot_core::{Builder, Context, Error, Image, Profile};
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

    /// Builds several profiles, and shares what work they have in common. Without an
    /// implementation of its own it builds one after the other.
    ///
    /// One result for each profile: to go on only with all of them, collect them into one.
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
        let mut results = Vec::with_capacity(profiles.len());
        for profile in profiles {
            results.push(self.build(profile.as_ref(), context).await);
        }
        results
    }
}

#[async_trait]
impl<B: Builder + ?Sized> Builder for Arc<B> {
    fn name(&self) -> &str {
        (**self).name()
    }

    async fn build(&self, profile: &dyn Profile, context: &Context) -> Result<Image, Error> {
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
