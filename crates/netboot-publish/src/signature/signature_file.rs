//! A file of signatures: several signatures in minisign's format, one after another. The program
//! `minisign` verifies the first of them.

use minisign_verify::Signature;

use crate::signature::TrustedKey;
use crate::signature::problem::SignatureProblem;
use crate::signature::trusted_keys::TrustedKeys;

/// The number of lines of one signature.
const LINES: usize = 4;

/// The maximum number of signatures in a file. It bounds the work for a file that an attacker
/// wrote.
pub(crate) const SIGNATURE_LIMIT: usize = 16;

/// The start of the trusted comments of netboot's own signatures. A comment that starts like this
/// has to be exactly the expected one, so that a signature is of no use for another purpose.
const OWN_COMMENT: &str = "netboot ";

/// One signature.
#[derive(Clone)]
struct Block {
    /// Its lines, each with its end.
    text: String,
    signature: Signature,
}

impl Block {
    /// Checks that `key` made this signature over `message`, with this trusted comment. A comment
    /// that is not netboot's, as in a signature made by hand, is accepted.
    fn check(
        &self,
        key: &TrustedKey,
        message: &[u8],
        comment: &str,
    ) -> Result<(), SignatureProblem> {
        match key.key.verify(message, &self.signature, false) {
            Ok(()) => {
                let found = self.signature.trusted_comment();
                let other = found.starts_with(OWN_COMMENT) && found != comment;
                if other { Err(SignatureProblem::OtherRelease) } else { Ok(()) }
            }
            Err(minisign_verify::Error::UnexpectedKeyId) => Err(SignatureProblem::UntrustedKey),
            Err(minisign_verify::Error::InvalidSignature) => Err(SignatureProblem::Mismatch),
            Err(_) => Err(SignatureProblem::Malformed),
        }
    }
}

/// The signatures of a file, at least one.
#[derive(Clone)]
pub(crate) struct SignatureFile(Vec<Block>);

impl SignatureFile {
    /// Reads a file of signatures.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, SignatureProblem> {
        let text = std::str::from_utf8(bytes).map_err(|_| SignatureProblem::Malformed)?;
        let lines: Vec<&str> = text.lines().take(LINES * SIGNATURE_LIMIT + 1).collect();
        if lines.is_empty()
            || !lines.len().is_multiple_of(LINES)
            || lines.len() > LINES * SIGNATURE_LIMIT
        {
            return Err(SignatureProblem::Malformed);
        }
        let block = |lines: &[&str]| {
            let mut text = lines.join("\n");
            let signature = Signature::decode(&text).map_err(|_| SignatureProblem::Malformed)?;
            text.push('\n');
            Ok(Block { text, signature })
        };
        Ok(Self(lines.chunks(LINES).map(block).collect::<Result<_, _>>()?))
    }

    /// The text of the file with another untrusted comment, since no signature covers the one that
    /// it has.
    pub(crate) fn text(&self, untrusted_comment: &str) -> String {
        let block = |block: &Block| {
            let (_, rest) = block.text.split_once('\n').unwrap_or_default();
            format!("untrusted comment: {untrusted_comment}\n{rest}")
        };
        self.0.iter().map(block).collect()
    }

    /// Returns true if `key` made one of the signatures.
    pub(crate) fn is_by(&self, key: &TrustedKey, message: &[u8], comment: &str) -> bool {
        self.0.iter().any(|block| block.check(key, message, comment).is_ok())
    }

    /// Checks that enough of `keys` signed `message`, each with this trusted comment.
    pub(crate) fn check(
        &self,
        keys: &TrustedKeys,
        message: &[u8],
        comment: &str,
    ) -> Result<(), SignatureProblem> {
        let signed = keys.keys().iter().filter(|key| self.is_by(key, message, comment)).count();
        let threshold = keys.threshold();
        if signed >= threshold {
            return Ok(());
        }
        if signed > 0 {
            return Err(SignatureProblem::TooFewKeys { signed, threshold });
        }
        let problems = self.0.iter().flat_map(|block| {
            keys.keys().iter().filter_map(|key| block.check(key, message, comment).err())
        });
        let other = |problem: &SignatureProblem| *problem != SignatureProblem::UntrustedKey;
        Err(problems.into_iter().find(other).unwrap_or(SignatureProblem::UntrustedKey))
    }

    /// Makes the file that has `new` signatures besides the old ones. Signatures of `known` keys
    /// stay if they match `message`. Signatures of other keys come last, so that `minisign` does
    /// not meet them first, and stay as far as there is room.
    pub(crate) fn with_new(
        old: Option<&Self>,
        known: &[TrustedKey],
        new: &[Self],
        message: &[u8],
        comment: &str,
    ) -> String {
        let old = old.map_or(&[][..], |file| &file.0);
        let by_known =
            |block: &&Block| known.iter().any(|key| block.check(key, message, comment).is_ok());
        let by_unknown = |block: &&Block| {
            let unknown =
                |key| block.check(key, message, comment) == Err(SignatureProblem::UntrustedKey);
            known.iter().all(unknown)
        };
        let new = new.iter().flat_map(|file| &file.0);
        let blocks = old.iter().filter(by_known).chain(new).chain(old.iter().filter(by_unknown));
        blocks.take(SIGNATURE_LIMIT).map(|block| block.text.as_str()).collect()
    }
}

/// Checks that enough of `keys` signed `message`, each with this trusted comment. `signatures` is
/// the text of the file, if there is one.
pub(crate) fn check(
    keys: &TrustedKeys,
    message: &[u8],
    comment: &str,
    signatures: Option<&[u8]>,
) -> Result<(), SignatureProblem> {
    let signatures = signatures.ok_or(SignatureProblem::Missing)?;
    SignatureFile::parse(signatures)?.check(keys, message, comment)
}
