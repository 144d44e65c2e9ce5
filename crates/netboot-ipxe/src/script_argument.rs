//! Kernel parameters in scripts.

use std::fmt;

use ipxe_script::lexical;
use netboot_core::{FileName, KernelParameter};
use serde::Serialize;

use crate::error::{Error, ValueKind};

/// A kernel parameter in a `kernel` command. The kernel gets it exactly as it was typed.
///
/// A parameter may contain spaces between double quotes. iPXE splits it there and joins it again
/// with single spaces, so the rules apply to each of its words.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub(crate) struct ScriptArgument(String);

impl ScriptArgument {
    /// Validates `text`.
    ///
    /// # Errors
    /// [`Error::Unprintable`] if the kernel would get something else.
    pub(crate) fn new(text: impl Into<String>) -> Result<Self, Error> {
        let text = text.into();
        match lexical::check(&text) {
            Ok(()) => Ok(Self(text)),
            Err(problem) => Err(Error::unprintable(ValueKind::KernelParameter, &text, problem)),
        }
    }

    /// The parameter `initrd=<name>`, by which a kernel under UEFI finds its initrd (iPXE's
    /// `src/image/efi_image.c`). Builds of 2019 load no other initrd.
    pub(crate) fn initrd(name: &FileName) -> Self {
        Self(format!("initrd={name}"))
    }

    /// The parameter `initrd=` for the additional initrd of one machine.
    pub(crate) fn overlay(name: &'static str) -> Self {
        Self(format!("initrd={name}"))
    }

    /// The argument.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The number of words that iPXE splits it into.
    pub(crate) fn words(&self) -> usize {
        self.0.split(' ').count()
    }
}

impl TryFrom<&KernelParameter> for ScriptArgument {
    type Error = Error;
    fn try_from(parameter: &KernelParameter) -> Result<Self, Error> {
        Self::new(parameter.as_str())
    }
}

impl fmt::Display for ScriptArgument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
