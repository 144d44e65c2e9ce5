//! Finding the system that a machine runs.

use std::fmt;

use netboot_core::Sha256Digest;

use crate::pcr_values::PcrValues;

/// A system that machines may run, with the PCRs that it leads to. `L` names the system.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ExpectedBoot<L> {
    /// The name of the system.
    pub label: L,
    pcr_4: Sha256Digest,
    /// The values of the phases of the boot.
    pcr_11: Vec<Sha256Digest>,
    pcr_12: Sha256Digest,
}

impl<L> ExpectedBoot<L> {
    /// A system with the PCRs that it has when its kernel starts.
    pub fn new(label: L, pcrs: PcrValues) -> Self {
        let [pcr_4, pcr_11, pcr_12] = pcrs.values();
        Self { label, pcr_4, pcr_11: vec![pcr_11], pcr_12 }
    }

    /// Adds the value that PCR 11 has in a later phase of the boot.
    #[must_use]
    pub fn later_phase(mut self, pcr_11: Sha256Digest) -> Self {
        self.pcr_11.push(pcr_11);
        self
    }
}

/// The PCRs of a machine are those of no expected system. `Display` is a clause about the machine,
/// which is "it".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unrecognised {
    /// PCR 11 is that of no system: it booted another UKI, or is past the expected phases.
    OtherUki,
    /// The UKI is known, and the firmware loaded other programs before, or another kernel.
    OtherPrograms,
    /// The UKI is known, and the kernel got parameters from outside the UKI.
    OtherParameters,
}

impl fmt::Display for Unrecognised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OtherUki => "it booted a UKI that is not known here (PCR 11)",
            Self::OtherPrograms => {
                "it booted a known UKI, and its firmware loaded other programs too (PCR 4)"
            }
            Self::OtherParameters => {
                "it booted a known UKI with kernel parameters from elsewhere (PCR 12)"
            }
        })
    }
}

/// Finds the system with these PCRs. Several systems can have equal PCRs; the first one is
/// returned.
///
/// # Errors
/// [`Unrecognised`] with the PCR in which the closest system differs.
pub fn recognise<'a, L>(
    pcrs: &PcrValues,
    expected: impl IntoIterator<Item = &'a ExpectedBoot<L>>,
) -> Result<&'a ExpectedBoot<L>, Unrecognised> {
    let [pcr_4, pcr_11, pcr_12] = pcrs.values();
    let mut problem = Unrecognised::OtherUki;
    for system in expected {
        if !system.pcr_11.contains(&pcr_11) {
            continue;
        }
        match (system.pcr_4 == pcr_4, system.pcr_12 == pcr_12) {
            (true, true) => return Ok(system),
            (true, false) => problem = Unrecognised::OtherParameters,
            (false, _) if problem == Unrecognised::OtherUki => {
                problem = Unrecognised::OtherPrograms;
            }
            (false, _) => {}
        }
    }
    Err(problem)
}
