//! The public key with which a TPM signs quotes.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use netboot_core::Sha256Digest;

use crate::algorithm::{ECC, ECDSA, NIST_P256, NULL, RSA, RSASSA, SHA256};
use crate::bytes::{Bytes, Problem};
use crate::error::{Error, Structure};
use crate::signature::Signature;

/// The greatest size of a public area in bytes. One with an RSA key of 4096 bits has about 600.
const LIMIT: usize = 1024;

/// Attributes of a key (TPM 2.0 Library, Part 2, section `TPMA_OBJECT`).
const FIXED_TPM: u32 = 1 << 1;
const FIXED_PARENT: u32 = 1 << 4;
const SENSITIVE_DATA_ORIGIN: u32 = 1 << 5;
const RESTRICTED: u32 = 1 << 16;
const DECRYPT: u32 = 1 << 17;
const SIGN: u32 = 1 << 18;

/// The public area of an attestation key: a key that the TPM made itself, that never leaves it, and
/// that signs nothing but what the TPM made. An RSA key signs by RSASSA, one of the curve P-256 by
/// ECDSA, each with SHA-256.
///
/// `tpm2_createak -G rsa -g sha256 -s rsassa` makes such a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttestationKey {
    digest: Sha256Digest,
    key: Key,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Key {
    Rsa {
        modulus: Vec<u8>,
        exponent: u32,
    },
    /// The point in its uncompressed form: `4`, x and y.
    P256(Vec<u8>),
}

impl AttestationKey {
    /// Reads a public area: a `TPMT_PUBLIC`, or a `TPM2B_PUBLIC`, which begins with its length and
    /// is what `tpm2_createak --public` writes.
    ///
    /// # Errors
    /// [`Error::Unusable`] or [`Error::TooLarge`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > LIMIT {
            return Err(Error::TooLarge { structure: Structure::Key, limit: LIMIT });
        }
        let area = match bytes.split_first_chunk() {
            Some((length, rest)) if usize::from(u16::from_be_bytes(*length)) == rest.len() => rest,
            _ => bytes,
        };
        let key = parse(Bytes::new(area));
        let key = key.map_err(|problem| Error::unusable(Structure::Key, problem))?;
        Ok(Self { digest: Sha256Digest::of(area), key })
    }

    /// The SHA-256 digest of the public area, without its length. `tpm2_readpublic` shows it behind
    /// `000b` as the name of the key.
    pub fn digest(&self) -> Sha256Digest {
        self.digest
    }

    /// Returns true if the key signed the message.
    pub(crate) fn has_signed(&self, message: &[u8], signature: &Signature<'_>) -> bool {
        match (&self.key, signature) {
            (Key::Rsa { modulus, exponent }, Signature::Rsa(signature)) => {
                let exponent = exponent.to_be_bytes();
                let start = exponent.iter().position(|byte| *byte != 0).unwrap_or(0);
                let key = RsaPublicKeyComponents { n: &modulus[..], e: &exponent[start..] };
                key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok()
            }
            (Key::P256(point), Signature::P256(signature)) => {
                let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
                key.verify(message, signature).is_ok()
            }
            _ => false,
        }
    }
}

/// Reads a `TPMT_PUBLIC` (TPM 2.0 Library, Part 2, section `TPMT_PUBLIC`).
fn parse(mut bytes: Bytes<'_>) -> Result<Key, Problem> {
    let kind = bytes.u16()?;
    bytes.expect(SHA256, "its name is no SHA-256 digest")?;
    let attributes = bytes.u32()?;
    let needed = FIXED_TPM | FIXED_PARENT | SENSITIVE_DATA_ORIGIN | RESTRICTED | SIGN;
    if attributes & needed != needed || attributes & DECRYPT != 0 {
        return Err("it may leave the TPM, or signs what the TPM did not make");
    }
    let _policy = bytes.sized()?;
    bytes.expect(NULL, "it is for encryption")?;
    let key = match kind {
        RSA => {
            bytes.expect(RSASSA, "it signs by another scheme than RSASSA")?;
            bytes.expect(SHA256, "it signs by another digest than SHA-256")?;
            let _bits = bytes.u16()?;
            // TPM 2.0 Library, Part 2, section `TPMS_RSA_PARMS`.
            let exponent = match bytes.u32()? {
                0 => 65_537,
                exponent => exponent,
            };
            let modulus = bytes.sized()?;
            if !(256..=512).contains(&modulus.len()) || modulus[0] == 0 {
                return Err("its length is not 2048 to 4096 bits");
            }
            Key::Rsa { modulus: modulus.to_vec(), exponent }
        }
        ECC => {
            bytes.expect(ECDSA, "it signs by another scheme than ECDSA")?;
            bytes.expect(SHA256, "it signs by another digest than SHA-256")?;
            bytes.expect(NIST_P256, "it is of another curve than P-256")?;
            bytes.expect(NULL, "it is for the derivation of keys")?;
            let mut point = vec![4];
            for _ in 0..2 {
                point.extend(bytes.p256_number()?);
            }
            Key::P256(point)
        }
        _ => return Err("it is neither an RSA key nor one of an elliptic curve"),
    };
    bytes.end()?;
    Ok(key)
}
