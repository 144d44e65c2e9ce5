//! The signature of a quote.

use crate::algorithm::{ECDSA, RSASSA, SHA256};
use crate::bytes::{Bytes, Problem};
use crate::error::{Error, Structure};

/// The greatest size in bytes. One by an RSA key of 4096 bits has 518.
const LIMIT: usize = 1024;

/// A signature with SHA-256.
#[derive(Debug)]
pub(crate) enum Signature<'a> {
    Rsa(&'a [u8]),
    /// The numbers r and s.
    P256([u8; 64]),
}

impl<'a> Signature<'a> {
    /// Reads a `TPMT_SIGNATURE` (TPM 2.0 Library, Part 2, section `TPMT_SIGNATURE`).
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        if bytes.len() > LIMIT {
            return Err(Error::TooLarge { structure: Structure::Signature, limit: LIMIT });
        }
        let parsed = parse(Bytes::new(bytes));
        parsed.map_err(|problem| Error::unusable(Structure::Signature, problem))
    }
}

fn parse(mut bytes: Bytes<'_>) -> Result<Signature<'_>, Problem> {
    let algorithm = bytes.u16()?;
    if ![RSASSA, ECDSA].contains(&algorithm) {
        return Err("it is neither by RSASSA nor by ECDSA");
    }
    bytes.expect(SHA256, "it is with another digest than SHA-256")?;
    let signature = if algorithm == RSASSA {
        Signature::Rsa(bytes.sized()?)
    } else {
        let mut numbers = [0; 64];
        for half in numbers.chunks_exact_mut(32) {
            half.copy_from_slice(&bytes.p256_number()?);
        }
        Signature::P256(numbers)
    };
    bytes.end()?;
    Ok(signature)
}
