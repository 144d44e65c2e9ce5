//! The release of profiles that have no images yet.

use std::sync::Arc;

use netboot_core::{
    Artifact, ArtifactKind, BootSpec, BytesArtifact, Closure, Image, KernelParameter, Payload,
    Profile, Release,
};

use crate::error::Error;
use crate::renderer::Renderer;

/// An `init` that is as short as that of any NixOS.
const INIT: &str = "/nix/store/00000000000000000000000000000000-nixos-system/init";

impl Renderer {
    /// Renders a draft of the release that [`render_release`](Self::render_release) would make once
    /// the `profiles` are built, together with `images` that exist already.
    ///
    /// A build may take an hour. With a draft, a caller knows before it whether scripts can have
    /// the titles and kernel parameters of the profiles, and whether every machine of the fleet has
    /// an image. The parameters that a configuration sets are known only after its evaluation, so
    /// the real release may still be refused. A draft is never published: its kernels and initrds
    /// are stand-ins, and its scripts verify no signatures. Its entry points are those of the
    /// real release.
    ///
    /// ```
    /// use netboot_core::{Profile, ProfileSpec};
    /// use netboot_ipxe::Renderer;
    ///
    /// let hostile = ProfileSpec::parse_toml(
    ///     r#"profiles = [{ name = "worker", title = "${net0/ip}" }]"#, "profiles.toml",
    /// )?;
    /// let profiles = hostile.iter().map(|profile| profile as &dyn Profile);
    /// let refused = Renderer::builder().build()?.render_draft(profiles, []).unwrap_err();
    /// assert!(refused.to_string().contains("${net0/ip}"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The errors of [`render_release`](Self::render_release).
    pub fn render_draft<'a>(
        &self,
        profiles: impl IntoIterator<Item = &'a dyn Profile>,
        images: impl IntoIterator<Item = Image>,
    ) -> Result<Release, Error> {
        let drafts = profiles.into_iter().map(|profile| draft(profile, self.settings.secure_boot));
        let drafts = drafts.collect::<Result<Vec<_>, Error>>()?;
        let mut renderer = self.clone();
        renderer.settings.signatures = None;
        renderer.render_release(drafts.into_iter().chain(images))
    }
}

/// An image of a profile that is not built yet.
fn draft(profile: &dyn Profile, secure_boot: bool) -> Result<Image, Error> {
    let artifact = |kind, name: &str| -> Result<Arc<dyn Artifact>, Error> {
        let content = format!("{name} of {}", profile.name());
        Ok(Arc::new(BytesArtifact::new(kind, name, content)?))
    };
    let architecture = profile.architecture();
    let no_parameters: [KernelParameter; 0] = [];
    let boot = BootSpec::new(architecture, INIT, no_parameters)?;
    let mut image = Image::builder(profile, boot)
        .kernel(artifact(ArtifactKind::Kernel, architecture.kernel_file_name())?)
        .initrd(artifact(ArtifactKind::Initrd, "initrd")?);
    if profile.payload() == Some(Payload::Closure) {
        image = image.closure(Closure {
            index: artifact(ArtifactKind::ClosureIndex, "index")?,
            blobs: vec![artifact(ArtifactKind::StorePath, "system")?],
            unpacked_bytes: 0,
            inodes: 0,
        });
    }
    let image = image.build()?;
    if secure_boot {
        return Ok(image.with_uki(artifact(ArtifactKind::Uki, "uki.efi")?)?);
    }
    Ok(image)
}
