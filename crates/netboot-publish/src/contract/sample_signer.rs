//! A signer for tests. It writes minisign's format without the crate `minisign`, which depends on
//! password hashing.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use blake2::{Blake2b512, Digest};
use ed25519_compact::{KeyPair, Seed};

use crate::error::Error;
use crate::signature::{Signer, TrustedKey};

/// A key without a secret: it is made from a number.
#[derive(Debug, Clone)]
pub(crate) struct SampleSigner {
    number: u8,
    public: TrustedKey,
}

impl SampleSigner {
    /// Makes the key of a number. Different numbers give different keys.
    pub(crate) fn new(number: u8) -> Self {
        let public = Self::pair(number).pk;
        // The algorithm, the key's id and the key (`PubkeyStruct` in minisign's `src/minisign.h`).
        let public = [&b"Ed"[..], &[number; 8], &public[..]].concat();
        let public = TrustedKey::parse(&BASE64_STANDARD.encode(public)).unwrap();
        Self { number, public }
    }

    fn pair(number: u8) -> KeyPair {
        KeyPair::from_seed(Seed::new([number; 32]))
    }
}

impl Signer for SampleSigner {
    fn public_key(&self) -> &TrustedKey {
        &self.public
    }

    fn sign(&self, manifest: &[u8], trusted_comment: &str) -> Result<String, Error> {
        let secret = Self::pair(self.number).sk;
        let signature = secret.sign(Blake2b512::digest(manifest), None);
        let commented = [&signature[..], trusted_comment.as_bytes()].concat();
        let line = [&b"ED"[..], &[self.number; 8], &signature[..]].concat();
        Ok(format!(
            "untrusted comment: a signature for tests\n{}\ntrusted comment: {trusted_comment}\n{}\n",
            BASE64_STANDARD.encode(line),
            BASE64_STANDARD.encode(secret.sign(commented, None)),
        ))
    }
}
