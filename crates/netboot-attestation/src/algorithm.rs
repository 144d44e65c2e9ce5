//! The numbers of algorithms in the structures of a TPM ("TCG Algorithm Registry", sections
//! `TPM_ALG_ID` and `TPM_ECC_CURVE`).

pub(crate) const RSA: u16 = 0x0001;
pub(crate) const SHA256: u16 = 0x000b;
pub(crate) const NULL: u16 = 0x0010;
pub(crate) const RSASSA: u16 = 0x0014;
pub(crate) const ECDSA: u16 = 0x0018;
pub(crate) const ECC: u16 = 0x0023;

/// The curve NIST P-256.
pub(crate) const NIST_P256: u16 = 0x0003;
