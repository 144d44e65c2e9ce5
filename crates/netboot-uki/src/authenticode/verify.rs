//! Verifying the signature of a program.

use authenticode::{AuthenticodeSignature, SPC_INDIRECT_DATA_OBJID, SpcIndirectDataContent};
use cms::cert::CertificateChoices;
use cms::content_info::ContentInfo;
use cms::signed_data::{SignedData, SignerIdentifier, SignerInfo};
use netboot_core::Sha256Digest;
use x509_cert::der::asn1::{Any, ObjectIdentifier, OctetString};
use x509_cert::der::{Decode, Encode, SliceReader};
use x509_cert::spki::AlgorithmIdentifierOwned;

use crate::authenticode::{CONTENT_TYPE, MESSAGE_DIGEST, PE_IMAGE_DATA, SHA256};
use crate::certificate::{Certificate, RSA};
use crate::error::SignatureProblem;

/// The greatest number of certificates from a signer's up to the one before a trusted one.
pub(crate) const CHAIN_LIMIT: usize = 8;

/// Verifies a message over the digest of a program. Returns the trusted certificate from which the
/// signer's descends, or which is the signer's.
pub(crate) fn verify<'a>(
    message: &[u8],
    digest: &Sha256Digest,
    trusted: &'a [Certificate],
) -> Result<&'a Certificate, SignatureProblem> {
    let (certificate, included) = signer(message, digest)?;
    ancestor(&certificate, &included, trusted).ok_or(SignatureProblem::Untrusted)
}

/// Verifies that a message is a signature over the digest of a program by the key of the signer's
/// certificate, which the message contains. Returns this certificate, and all that it contains.
pub(crate) fn signer(
    message: &[u8],
    digest: &Sha256Digest,
) -> Result<(Certificate, Vec<Certificate>), SignatureProblem> {
    let malformed = SignatureProblem::Malformed;
    let signature = AuthenticodeSignature::from_bytes(message).map_err(|_| malformed)?;
    let data = read(message).ok_or(malformed)?;
    let content = data.encap_content_info.econtent.as_ref().ok_or(malformed)?;
    let indirect = content.decode_as::<SpcIndirectDataContent>().map_err(|_| malformed)?;
    if indirect.data.value_type != PE_IMAGE_DATA
        || !is(signature.digest_algorithm(), SHA256)
        || !is(&signature.signer_info().digest_alg, SHA256)
    {
        return Err(SignatureProblem::Algorithm);
    }
    if signature.digest() != digest.as_bytes() {
        return Err(SignatureProblem::OtherProgram);
    }
    let signer = signature.signer_info();
    let attribute = |oid| attribute(signer, oid).ok_or(malformed);
    let content_digest = Sha256Digest::of(content.value());
    let stated = attribute(MESSAGE_DIGEST)?.decode_as::<OctetString>();
    if attribute(CONTENT_TYPE)?.decode_as() != Ok(SPC_INDIRECT_DATA_OBJID)
        || stated.map_err(|_| malformed)?.as_bytes() != content_digest.as_bytes()
    {
        return Err(SignatureProblem::OtherContent);
    }
    let included = included(&data);
    let certificate = included.iter().find(|it| is_of(&signer.sid, it));
    let certificate = certificate.ok_or(SignatureProblem::NoCertificate)?;
    let attributes = signer.signed_attrs.as_ref().and_then(|it| it.to_der().ok());
    let attributes = attributes.ok_or(malformed)?;
    if !is(&signer.signature_algorithm, RSA) {
        return Err(SignatureProblem::Algorithm);
    }
    if !certificate.has_signed(&attributes, signer.signature.as_bytes()) {
        return Err(SignatureProblem::OtherKey);
    }
    Ok((certificate.clone(), included))
}

/// Returns true for an algorithm without parameters.
fn is(algorithm: &AlgorithmIdentifierOwned, oid: ObjectIdentifier) -> bool {
    let parameters = algorithm.parameters.as_ref();
    algorithm.oid == oid && parameters.is_none_or(|it| *it == Any::null())
}

/// The message in the entry of a table, behind which padding may stand.
fn read(message: &[u8]) -> Option<SignedData> {
    let mut reader = SliceReader::new(message).ok()?;
    ContentInfo::decode(&mut reader).ok()?.content.decode_as().ok()
}

/// The only value of a signed attribute.
fn attribute(signer: &SignerInfo, oid: ObjectIdentifier) -> Option<&Any> {
    let mut found = signer.signed_attrs.as_ref()?.iter().filter(|attribute| attribute.oid == oid);
    let (attribute, None) = (found.next()?, found.next()) else { return None };
    match attribute.values.as_slice() {
        [value] => Some(value),
        _ => None,
    }
}

/// The certificates of a message that Netboot can use. The size of a table bounds their number.
fn included(data: &SignedData) -> Vec<Certificate> {
    let included = data.certificates.iter().flat_map(|set| set.0.iter());
    let included = included.filter_map(|choice| match choice {
        CertificateChoices::Certificate(certificate) => Certificate::included(certificate.clone()),
        CertificateChoices::Other(_) => None,
    });
    included.collect()
}

fn is_of(signer: &SignerIdentifier, certificate: &Certificate) -> bool {
    let tbs = &certificate.parsed().tbs_certificate;
    matches!(signer, SignerIdentifier::IssuerAndSerialNumber(it)
        if it.issuer == tbs.issuer && it.serial_number == tbs.serial_number)
}

/// The trusted certificate that is `certificate`, or that issued it, perhaps through others.
/// Firmware looks for no more either, and compares no dates (`DxeImageVerificationLib` of EDK II).
fn ancestor<'a>(
    certificate: &Certificate,
    included: &[Certificate],
    trusted: &'a [Certificate],
) -> Option<&'a Certificate> {
    let mut current = certificate;
    for depth in 0..CHAIN_LIMIT {
        if !current.is_understood() {
            return None;
        }
        let issued = |it: &Certificate| it.is_understood() && it.has_issued(current, depth);
        let found = trusted.iter().find(|it| *it == current || issued(it));
        if found.is_some() {
            return found;
        }
        current = included.iter().find(|it| *it != current && issued(it))?;
    }
    None
}
