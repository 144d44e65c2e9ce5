//! A release of images, with all scripts.

use std::collections::BTreeSet;
use std::sync::Arc;

use netboot_core::{
    Architecture, Artifact, ArtifactKind, BytesArtifact, Image, ProfileName, Release, layout,
};
use serde::Serialize;
use tera::Context;

use crate::error::Error;
use crate::renderer::Renderer;
use crate::script_url::ScriptUrl;
use crate::template::name::TemplateName;

/// A member of a family for a template.
#[derive(Serialize)]
struct MemberValues {
    architecture: Architecture,
    url: ScriptUrl,
}

impl Renderer {
    /// Renders the scripts of `images` and makes a release of everything: a script for each image
    /// and family, the menu, the dispatch of the fleet, the static entry points and the pointer.
    ///
    /// # Errors
    /// [`Error::Unprintable`] for a title or parameter that iPXE would read differently,
    /// [`Error::TooManyArguments`], [`Error::CommandLineTooLong`],
    /// [`Error::NoClosureSource`], [`Error::UnusableClosureSource`], [`Error::ReservedParameter`]
    /// and [`Error::BootParameter`] for an image with a closure,
    /// [`Error::UnknownProfile`], [`Error::MissingSignature`], for machines with Secure Boot
    /// [`Error::NoUki`] and [`Error::OutsideOfUki`], [`Error::Template`] and
    /// [`Error::NotAScript`] for a caller's template, and those of
    /// [`ReleaseBuilder::build`](netboot_core::ReleaseBuilder::build).
    pub fn render_release(
        &self,
        images: impl IntoIterator<Item = Image>,
    ) -> Result<Release, Error> {
        let images: Vec<Image> = images.into_iter().collect();
        if images.is_empty() {
            return Err(netboot_core::Error::EmptyRelease.into());
        }
        let mut release = Release::builder(images.iter().cloned())
            .entry_point(layout::boot_script(), self.render_boot_entry()?);
        for (path, entry) in self.program_entries(&images)? {
            release = release.entry_point(path, entry);
        }
        let mut scripts = Vec::new();
        if let Some(path) = self.menu_path()? {
            scripts.push((path, self.render_menu(&images)?));
        }
        if let Some(fleet) = &self.settings.fleet {
            let dispatch = self.render_dispatch(fleet, &images)?;
            scripts.push((layout::boot_script(), dispatch.script));
            scripts.extend(dispatch.files);
            for table in dispatch.tables {
                release = release.blob(table);
            }
            for assignment in fleet.assignments() {
                if let Some(overlay) = assignment.overlay() {
                    release = release.blob(overlay.clone());
                    if let Some(signature) = self.signature_artifact(overlay.as_ref())? {
                        release = release.blob(signature.clone());
                    }
                }
            }
        }
        for image in &images {
            let text = self.render_image(image)?;
            scripts.push((layout::profile_script(image.profile()), text));
            let entry = self.render_profile_entry(image.profile())?;
            release = release.entry_point(layout::profile_script(image.profile()), entry);
            if let Some(shim) = self.started_shim(image) {
                release = release.blob(shim.clone());
            }
            for artifact in self.started_files(image)? {
                if let Some(signature) = self.signature_artifact(artifact.as_ref())? {
                    release = release.blob(signature.clone());
                }
            }
        }
        for family in self.settings.families.keys() {
            let path = layout::profile_script(family);
            scripts.push((path.clone(), self.render_family(family, &images)?));
            release = release.entry_point(path, self.render_profile_entry(family)?);
        }
        for (path, text) in scripts {
            let name = path.as_str().rsplit('/').next().unwrap_or_default();
            let artifact = script(name, text)?;
            release = release.script(path, artifact);
        }
        Ok(release.build(self.render_pointer()?)?)
    }

    /// Renders the script that chains the image of `family` for the architecture of the machine.
    fn render_family(&self, family: &ProfileName, images: &[Image]) -> Result<String, Error> {
        let there: BTreeSet<&ProfileName> = images.iter().map(Image::profile).collect();
        let members = self.settings.families.get(family).into_iter().flatten();
        let members = members.map(|(architecture, profile)| {
            if !there.contains(profile) {
                return Err(Error::UnknownProfile {
                    wanted_by: format!("the family {family}"),
                    profile: profile.clone(),
                    known: there.iter().map(|profile| (*profile).clone()).collect(),
                });
            }
            let path = layout::profile_script(profile);
            let url = ScriptUrl::relative(&layout::profile_script(family), &path);
            Ok(MemberValues { architecture: *architecture, url })
        });
        let mut values = Context::new();
        values.insert("family", family);
        values.insert("images", &members.collect::<Result<Vec<_>, Error>>()?);
        self.templates.render(TemplateName::Family, values)
    }

    /// The signature of an artifact. `None` if scripts do not verify signatures.
    pub(super) fn signature_artifact(
        &self,
        artifact: &dyn Artifact,
    ) -> Result<Option<&Arc<dyn Artifact>>, Error> {
        let Some(signatures) = &self.settings.signatures else { return Ok(None) };
        match signatures.get(&artifact.sha256()) {
            Some(signature) => Ok(Some(signature)),
            None => Err(Error::MissingSignature { file: artifact.file_name().clone() }),
        }
    }

    pub(super) fn signature(
        &self,
        artifact: &dyn Artifact,
    ) -> Result<Option<&dyn Artifact>, Error> {
        Ok(self.signature_artifact(artifact)?.map(AsRef::as_ref))
    }
}

pub(super) fn script(name: &str, text: String) -> Result<Arc<dyn Artifact>, Error> {
    Ok(Arc::new(BytesArtifact::new(ArtifactKind::Script, name, text)?))
}
