//! Refusals to run what no trusted key signed.

use std::fmt;

use foreign_text::ForeignText;
use serde::Serialize;

/// The number of refusals that a report has at most. A machine that prints forever must not fill
/// the memory.
const LIMIT: usize = 100;

/// The part of a boot that checks signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Verifier {
    /// UEFI firmware with Secure Boot, which checks EFI programs.
    Firmware,
    /// systemd's stub in a unified kernel image, which has the firmware check addons.
    Stub,
    /// Linux, which checks modules, and kernels for kexec. Most kernels do so only in lockdown (see
    /// [`BootReport::locked_down`](crate::BootReport::locked_down)), and say so only with a
    /// `loglevel` of 6 or more.
    Kernel,
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Firmware => "firmware",
            Self::Stub => "stub",
            Self::Kernel => "kernel",
        })
    }
}

/// A refusal to run something because no trusted key signed it, or because it was altered after
/// that. The console does not tell the two apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Refusal {
    /// The part of the boot that refused.
    pub by: Verifier,
    /// The line of the console that says so.
    pub line: ForeignText,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused by the {}: {}", self.by, self.line)
    }
}

impl Refusal {
    /// Reads a line of the console.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let by = verifier(line)?;
        Some(Self { by, line: line.into() })
    }

    /// Adds the refusal that a line reports, if it reports one.
    pub(crate) fn note(refusals: &mut Vec<Self>, line: &str) {
        if refusals.len() < LIMIT {
            refusals.extend(Self::parse(line));
        }
    }

    /// Returns a remedy, as a sentence for an operator.
    pub fn hint(&self) -> &'static str {
        match self.by {
            Verifier::Firmware => {
                "sign the program with a key whose certificate is in the firmware's `db`, and serve \
                 it as it was signed: the firmware accepts no signature of it"
            }
            Verifier::Stub => {
                "sign the addon with a key whose certificate is in the firmware's `db`: systemd's \
                 stub continued without the addon"
            }
            Verifier::Kernel => {
                "use the modules and kernels that the kernel's own keys signed: Linux, which Secure \
                 Boot locked down, refused another one"
            }
        }
    }
}

/// Returns the part of the boot that reports a refusal in a line.
fn verifier(line: &str) -> Option<Verifier> {
    // `EfiBootManagerBoot` in EDK II's `UefiBootManagerLib`, with the name of the error's code.
    let firmware = line.contains("BdsDxe: failed to ")
        && [": Access Denied", ": Security Violation"].iter().any(|end| line.ends_with(end));
    // `load_addons` in systemd's `src/boot/stub.c`.
    let stub = line.contains("@load_addons: Failed to read '")
        && ["Access denied", "Security violation"].iter().any(|error| line.ends_with(error));
    // `module_sig_check` in Linux's `kernel/module/signing.c`, and the reasons in its
    // `security/security.c`.
    let kernel = line.contains("Loading of ") && line.ends_with(" is rejected")
        || line.contains("Lockdown: ")
            && ["unsigned module loading is restricted", "kexec of unsigned images is restricted"]
                .iter()
                .any(|reason| line.contains(reason));
    [(firmware, Verifier::Firmware), (stub, Verifier::Stub), (kernel, Verifier::Kernel)]
        .into_iter()
        .find_map(|(said, verifier)| said.then_some(verifier))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_that_refused_is_named() {
        for (line, by) in [
            (
                "  Downloading...100%BdsDxe: failed to load Boot00F0 \"Netboot\" from \
                 Uri(http://10.0.2.2/x.efi): Access Denied",
                Some(Verifier::Firmware),
            ),
            ("BdsDxe: failed to load Boot0001 \"x\" from y: Not Found", None),
            (
                "src/boot/stub.c:412@load_addons: Failed to read 'a.addon.efi' from 'extra.d', \
                 ignoring: Access denied",
                Some(Verifier::Stub),
            ),
            (
                "src/boot/stub.c:412@load_addons: Failed to read 'a' from 'b', ignoring: Not found",
                None,
            ),
            ("[    5.1] Loading of unsigned module is rejected", Some(Verifier::Kernel)),
            (
                "[    5.1] Lockdown: insmod: unsigned module loading is restricted; see man \
                 kernel_lockdown.7",
                Some(Verifier::Kernel),
            ),
            ("[    2.1] Lockdown: swapper/0: hibernation is restricted; see man", None),
        ] {
            let refusal = Refusal::parse(line);
            assert_eq!(refusal.as_ref().map(|refusal| refusal.by), by, "{line}");
            assert!(refusal.is_none_or(|refusal| refusal.line.as_str() == line));
        }
    }

    #[test]
    fn a_machine_that_prints_forever_fills_no_report() {
        let mut refusals = Vec::new();
        for _ in 0..1000 {
            Refusal::note(&mut refusals, "Loading of unsigned module is rejected");
        }
        assert_eq!(refusals.len(), LIMIT);
    }
}
