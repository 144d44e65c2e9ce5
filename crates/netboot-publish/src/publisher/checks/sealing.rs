//! Signing pointers.

use netboot_core::layout;

use crate::error::Error;
use crate::pointer::problem::PointerProblem;
use crate::pointer::stamp::Stamp;
use crate::pointer::{Pointer, PointerContent};
use crate::publisher::checks::signing::Signing;
use crate::signature::problem::SignatureProblem;
use crate::signature::signature_file::SignatureFile;
use crate::signature::trusted_keys::TrustedKeys;
use crate::signature::{Signer, TrustedKey};

impl Signing {
    /// Returns the keys of which one has to sign a pointer. A publisher that signs and has no
    /// trusted keys trusts the keys of its signers: it must not sign a history that anyone else
    /// wrote.
    pub(crate) fn pointer_keys(&self) -> Option<TrustedKeys> {
        match &self.trusted_keys {
            Some(keys) => Some(keys.any()),
            None => TrustedKeys::any_of(self.signers.iter().map(Signer::public_key)),
        }
    }

    /// Returns true if readers with this publisher's keys would trust its pointers.
    pub(crate) fn can_seal(&self) -> bool {
        let is_own =
            |key: &TrustedKey| self.signers.iter().any(|signer| signer.public_key() == key);
        self.pointer_keys().is_none_or(|keys| keys.keys().iter().any(is_own))
    }

    /// Gives a pointer its stamp and, if this publisher signs, its signatures.
    pub(crate) async fn seal(&self, pointer: &mut Pointer, stamp: Stamp) -> Result<(), Error> {
        if !self.can_seal() {
            return Err(Error::NoPointerSigner { pointer: stamp.name });
        }
        let (path, comment) = (layout::pointer(&stamp.name), stamp.trusted_comment());
        let malformed = |problem| {
            let problem = PointerProblem::of_signature(problem);
            Error::UntrustedPointer { path: path.clone(), problem }
        };
        pointer.stamp = Some(stamp);
        pointer.signatures.clear();
        let message = pointer.signed_bytes();
        for signer in &self.signers {
            let (key, signer) = (signer.public_key().clone(), signer.clone());
            let (to_sign, with) = (message.clone(), comment.clone());
            let made = netboot_core::blocking(move || signer.sign(&to_sign, &with)).await?;
            let made = SignatureFile::parse(made.as_bytes()).map_err(malformed)?;
            if !made.is_by(&key, &message, &comment) {
                return Err(malformed(SignatureProblem::Mismatch));
            }
            pointer.signatures.push_str(&made.text("netboot pointer"));
        }
        // A signer of the caller may write a comment that no pointer can have.
        match Pointer::parse(&pointer.to_bytes()) {
            PointerContent::Pointer(parsed) if parsed == *pointer => Ok(()),
            _ => Err(malformed(SignatureProblem::Malformed)),
        }
    }
}
