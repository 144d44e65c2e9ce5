//! Kernel parameters in scripts.

use std::fmt;

use ipxe_script::lexical;
use netboot_closure::boot_parameter::{BOOTIF, BootParameter, FROM};
use netboot_core::{FileName, KernelParameter};
use serde::Serialize;

use crate::error::{Error, ValueKind};

/// The setting with the URL of the script's directory, which ends with a `/`.
pub(crate) const DIRECTORY: &str = "cwduri";

/// The room for the value of that setting on a command line, in bytes: as much as a DHCP option can
/// hold (RFC 2132, section 2). A longer value can cut the last parameter, the digest of the index,
/// and stage 1 refuses a digest that was cut.
const DIRECTORY_ROOM: usize = 255;

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

    /// The parameter that names the network card from which iPXE booted.
    pub(crate) fn boot_card() -> Self {
        Self(format!("{BOOTIF}=01-${{netX/mac:hexhyp}}"))
    }

    /// The parameter that lets systemd's network generator ask a DHCP server on the card that
    /// `BOOTIF` names (systemd-network-generator.service(8)).
    pub(crate) fn address_by_dhcp() -> Self {
        Self(format!("ip=:::::{BOOTIF}:dhcp"))
    }

    /// A parameter of stage 1. Its form excludes everything with a meaning for iPXE.
    pub(crate) fn boot_parameter(parameter: &BootParameter) -> Self {
        Self(parameter.to_string())
    }

    /// The parameter that names the directory of the script, or one this many levels above it, as a
    /// source. Stage 1 resolves the `..`.
    pub(crate) fn own_source(directories: usize) -> Self {
        Self(format!("{FROM}=${{{DIRECTORY}}}{}", "../".repeat(directories)))
    }

    /// The greatest number of bytes that the kernel gets.
    pub(crate) fn greatest_length(&self) -> usize {
        let is_open = self.0.contains(&format!("${{{DIRECTORY}}}"));
        self.0.len() + if is_open { DIRECTORY_ROOM } else { 0 }
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
