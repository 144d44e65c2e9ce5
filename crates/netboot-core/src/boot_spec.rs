//! How an image is to be started.

use serde::{Deserialize, Serialize};

use crate::architecture::Architecture;
use crate::command_line::{InitPath, KernelCommandLine, KernelParameter};
use crate::error::Error;

/// What a boot loader must know of an image besides its files.
///
/// The `init=` of the command line is always [`init`](Self::init), the path that the builder
/// read from the same configuration as the initrd.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BootSpec {
    architecture: Architecture,
    init: InitPath,
    kernel_parameters: Vec<KernelParameter>,
}

impl BootSpec {
    /// A specification from what a configuration gave: its `init`, and its kernel parameters in
    /// their order (`config.boot.kernelParams` in NixOS).
    ///
    /// # Errors
    /// [`Error::InvalidValue`] when the command line would be too long.
    pub fn new(
        architecture: Architecture,
        init: InitPath,
        kernel_parameters: Vec<KernelParameter>,
    ) -> Result<Self, Error> {
        KernelCommandLine::new(&init, &kernel_parameters)?;
        Ok(Self { architecture, init, kernel_parameters })
    }

    /// The same with `additional` parameters behind those that are there; one that is there
    /// already is not repeated.
    ///
    /// # Errors
    /// [`Error::InvalidValue`] when the command line would be too long.
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

    /// The path of `init` inside the booted system.
    pub fn init(&self) -> &InitPath {
        &self.init
    }

    /// The kernel parameters in order, without `init=` and `initrd=`.
    pub fn kernel_parameters(&self) -> &[KernelParameter] {
        &self.kernel_parameters
    }

    /// The command line: `init=…`, then the parameters. A renderer adds `initrd=…` where the
    /// firmware wants it.
    ///
    /// # Errors
    /// [`Error::InvalidValue`] when the line is too long, which a specification made by
    /// [`new`](Self::new) never is; one read from a file can be.
    pub fn command_line(&self) -> Result<KernelCommandLine, Error> {
        Ok(KernelCommandLine::new(&self.init, &self.kernel_parameters)?)
    }
}
