//! The message that a TPM signs.

use netboot_core::Sha256Digest;

use crate::algorithm::SHA256;
use crate::bytes::{Bytes, Problem};
use crate::error::{Error, Structure};
use crate::pcr_values::PcrValues;

/// The greatest size in bytes. A quote has about 150.
const LIMIT: usize = 1024;

/// The number at the start of what a TPM made (TPM 2.0 Library, Part 2, section
/// `TPM_CONSTANTS32`): "\xffTCG". A restricted key signs nothing from elsewhere that begins so.
const GENERATED: u32 = 0xff54_4347;

/// The type of a quote (TPM 2.0 Library, Part 2, section `TPM_ST`).
const ATTEST_QUOTE: u16 = 0x8018;

/// The parts of a quote that are looked at.
#[derive(Debug)]
pub(crate) struct Quote<'a> {
    /// The data of whoever asked for the quote.
    pub(crate) extra: &'a [u8],
    /// The number of times that the TPM was reset since it was last cleared.
    pub(crate) reset_count: u32,
    /// The digest of the values of the PCRs.
    pub(crate) pcrs: Sha256Digest,
}

impl<'a> Quote<'a> {
    /// Reads a `TPMS_ATTEST` (TPM 2.0 Library, Part 2, section `TPMS_ATTEST`).
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        if bytes.len() > LIMIT {
            return Err(Error::TooLarge { structure: Structure::Quote, limit: LIMIT });
        }
        let parsed = parse(Bytes::new(bytes));
        parsed.map_err(|problem| Error::unusable(Structure::Quote, problem))
    }
}

fn parse(mut bytes: Bytes<'_>) -> Result<Quote<'_>, Problem> {
    if bytes.u32()? != GENERATED {
        return Err("no TPM made it");
    }
    bytes.expect(ATTEST_QUOTE, "it is another attestation than a quote")?;
    let _signer = bytes.sized()?;
    let extra = bytes.sized()?;
    let _clock = bytes.u64()?;
    let reset_count = bytes.u32()?;
    let _restart_count = bytes.u32()?;
    let _is_clock_safe = bytes.u8()?;
    let _firmware = bytes.u64()?;
    let other = "it is of other PCRs than 4, 11 and 12 in the SHA-256 bank";
    if bytes.u32()? != 1 {
        return Err(other);
    }
    bytes.expect(SHA256, other)?;
    let length = bytes.u8()?;
    let selected = bytes.take(length.into())?;
    let (first, rest) = selected.split_at_checked(3).ok_or(other)?;
    if first != PcrValues::SELECTION || rest.iter().any(|byte| *byte != 0) {
        return Err(other);
    }
    let digest = bytes.sized()?.try_into().map_err(|_| "its digest is no SHA-256 digest")?;
    bytes.end()?;
    Ok(Quote { extra, reset_count, pcrs: Sha256Digest::from_bytes(digest) })
}
