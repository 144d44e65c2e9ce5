//! The way to start an image.

use serde::{Deserialize, Serialize};

use crate::architecture::Architecture;
use crate::command_line::{InitPath, KernelCommandLine, KernelParameter};
use crate::error::Error;
use crate::invalid_value::{InvalidValue, validated};

/// The data that a boot loader needs to start an image, besides its files.
///
/// The `init=` of the command line is always [`init`](Self::init), which the builder reads from the
/// same configuration as the initrd.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BootSpec {
    architecture: Architecture,
    init: InitPath,
    kernel_parameters: Vec<KernelParameter>,
}

impl BootSpec {
    /// Creates a specification from a configuration's `init` and its kernel parameters in order
    /// (`config.boot.kernelParams` in NixOS).
    ///
    /// # Errors
    /// [`Error::InvalidValue`] for a text that is not a path or a parameter, and if the command
    /// line would be too long.
    pub fn new<P: TryInto<KernelParameter, Error: Into<InvalidValue>>>(
        architecture: Architecture,
        init: impl TryInto<InitPath, Error: Into<InvalidValue>>,
        kernel_parameters: impl IntoIterator<Item = P>,
    ) -> Result<Self, Error> {
        let init = init.try_into().map_err(Into::into)?;
        let kernel_parameters = validated(kernel_parameters)?;
        KernelCommandLine::new(&init, &kernel_parameters)?;
        Ok(Self { architecture, init, kernel_parameters })
    }

    /// Appends `additional` parameters, and skips those that are there already.
    ///
    /// # Errors
    /// [`Error::InvalidValue`] if the command line would be too long.
    pub fn with_parameters(mut self, additional: &[KernelParameter]) -> Result<Self, Error> {
        for parameter in additional {
            if !self.kernel_parameters.contains(parameter) {
                self.kernel_parameters.push(parameter.clone());
            }
        }
        Self::new(self.architecture, self.init, self.kernel_parameters)
    }

    /// The architecture of the kernel.
    pub fn architecture(&self) -> Architecture {
        self.architecture
    }

    /// The path of `init` in the booted system.
    pub fn init(&self) -> &InitPath {
        &self.init
    }

    /// The kernel parameters in order, without `init=` and `initrd=`.
    pub fn kernel_parameters(&self) -> &[KernelParameter] {
        &self.kernel_parameters
    }

    /// Returns the command line: `init=…`, then the parameters. A renderer adds `initrd=…` if the
    /// firmware needs it.
    ///
    /// # Errors
    /// [`Error::InvalidValue`] if the line is too long. This happens only for a specification that
    /// was read from a file, because [`new`](Self::new) checks the length.
    pub fn command_line(&self) -> Result<KernelCommandLine, Error> {
        Ok(KernelCommandLine::new(&self.init, &self.kernel_parameters)?)
    }
}
