//! The certificates beside the one of a signer.

use crate::authenticode::verify::CHAIN_LIMIT;
use crate::certificate::Certificate;
use crate::error::Error;

/// Checks the certificates from the issuer of `signer` up to a trusted one, before anything is
/// signed. Leaves out the signer's own one.
pub(crate) fn checked(
    signer: &Certificate,
    chain: impl IntoIterator<Item = Certificate>,
) -> Result<Vec<Certificate>, Error> {
    let mut checked: Vec<Certificate> = Vec::new();
    for certificate in chain.into_iter().filter(|it| it != signer) {
        let below = checked.last().unwrap_or(signer);
        let problem = if checked.len() == CHAIN_LIMIT {
            "there are 8 before it"
        } else if certificate.is_named_issuer(below) {
            checked.push(certificate);
            continue;
        } else {
            "it is not the issuer of the one before it"
        };
        return Err(Error::Chain { subject: certificate.subject(), problem });
    }
    Ok(checked)
}
