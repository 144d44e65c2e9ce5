//! Licences in an SBOM.

use cyclonedx_bom::models::license::{License, LicenseChoice};

/// The identifiers of the SPDX License List 3.21, sorted by their bytes. The JSON schema of
/// CycloneDX 1.5 accepts no others, and so a strict reader refuses a document with a newer one.
const IDENTIFIERS: &str = include_str!("spdx-3.21.txt");

/// An identifier of SPDX where CycloneDX 1.5 knows it, and a name otherwise.
pub(crate) fn licence(text: &str) -> LicenseChoice {
    LicenseChoice::License(if IDENTIFIERS.lines().any(|id| id == text) {
        License::license_id(text)
    } else {
        License::named_license(text)
    })
}
