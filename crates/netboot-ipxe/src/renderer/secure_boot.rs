//! Scripts for machines with Secure Boot, which start UKIs.

use std::sync::Arc;

use netboot_core::{Artifact, Image};

use crate::dispatch::assignment::Assignment;
use crate::error::Error;
use crate::renderer::Renderer;
use crate::renderer::settings::Settings;

impl Settings {
    /// Refuses what scripts would give every UKI.
    ///
    /// # Errors
    /// [`Error::OutsideOfUki`].
    pub(super) fn require_nothing_outside_of_ukis(&self) -> Result<(), Error> {
        if !self.secure_boot {
            return Ok(());
        }
        if let Some(parameter) = self.kernel_parameters.first() {
            return Err(outside(format!("the kernel parameter `{parameter}` of every image")));
        }
        if self.boot_card {
            return Err(outside("the parameter `BOOTIF` with their network card".to_owned()));
        }
        if let Some(source) = self.closure_sources.first() {
            return Err(outside(format!("the place `{source}` to fetch closures from")));
        }
        Ok(())
    }
}

impl Renderer {
    /// The UKI of an image, if scripts start UKIs.
    ///
    /// # Errors
    /// [`Error::NoUki`].
    pub(super) fn started_uki<'a>(
        &self,
        image: &'a Image,
    ) -> Result<Option<&'a Arc<dyn Artifact>>, Error> {
        if !self.settings.secure_boot {
            return Ok(None);
        }
        match image.uki() {
            Some(uki) => Ok(Some(uki)),
            None => Err(Error::NoUki { profile: image.profile().clone() }),
        }
    }

    /// The shim that scripts give to iPXE before the UKI of an image.
    pub(super) fn started_shim(&self, image: &Image) -> Option<&Arc<dyn Artifact>> {
        let shim = self.settings.shims.get(&image.boot().architecture());
        shim.filter(|_| self.settings.secure_boot)
    }

    /// The files that the script of an image fetches.
    ///
    /// # Errors
    /// [`Error::NoUki`].
    pub(super) fn started_files<'a>(
        &'a self,
        image: &'a Image,
    ) -> Result<Vec<&'a Arc<dyn Artifact>>, Error> {
        Ok(match self.started_uki(image)? {
            Some(uki) => self.started_shim(image).into_iter().chain([uki]).collect(),
            None => image.payload().collect(),
        })
    }

    /// Refuses a machine to which scripts would give parameters or an initrd of its own.
    ///
    /// # Errors
    /// [`Error::OutsideOfUki`].
    pub(super) fn require_no_additions(&self, assignment: &Assignment) -> Result<(), Error> {
        let name = assignment.name();
        if !self.settings.secure_boot {
            return Ok(());
        }
        if let Some(parameter) = assignment.parameters().first() {
            return Err(outside(format!("the kernel parameter `{parameter}` of machine {name}")));
        }
        if assignment.overlay().is_some() {
            return Err(outside(format!("the initrd of machine {name}")));
        }
        Ok(())
    }
}

fn outside(addition: String) -> Error {
    Error::OutsideOfUki { addition }
}
