//! Predicting the platform configuration registers (PCRs) of a TPM.

pub(crate) mod boot_path;
pub(crate) mod measured_uki;
pub(crate) mod prediction;
pub(crate) mod register;
pub(crate) mod section_digests;
pub(crate) mod stub_version;
