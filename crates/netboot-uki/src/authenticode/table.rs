//! The table of signatures at the end of a program, of entries `WIN_CERTIFICATE` (UEFI
//! Specification 2.10, section 32.2.4).

use crate::pe::problem::PeProblem;

/// The greatest size of a table in bytes. A signature has 2 KiB.
pub(crate) const TABLE_LIMIT: u64 = 1024 * 1024;

/// The length of the head of an entry: its length, its revision and its type.
const HEAD: usize = 8;
/// `WIN_CERT_REVISION` and `WIN_CERT_TYPE_PKCS_SIGNED_DATA`.
const PKCS_SIGNED_DATA: [u8; 4] = [0x00, 0x02, 0x02, 0x00];

/// Makes the entry of a signature, padded to a multiple of 8 bytes.
pub(crate) fn entry(signature: &[u8]) -> Result<Vec<u8>, PeProblem> {
    let length = u32::try_from(signature.len() + HEAD).map_err(|_| PeProblem::TooLarge)?;
    let mut entry = length.to_le_bytes().to_vec();
    entry.extend(PKCS_SIGNED_DATA);
    entry.extend(signature);
    entry.resize(entry.len().next_multiple_of(8), 0);
    Ok(entry)
}

/// Returns the messages of a table. Entries of other types are left out.
pub(crate) fn signatures(mut table: &[u8]) -> Result<Vec<Vec<u8>>, PeProblem> {
    let mut signatures = Vec::new();
    while let Some((length, rest)) = table.split_first_chunk() {
        let length = u32::from_le_bytes(*length) as usize;
        let message = table.get(HEAD..length).ok_or(PeProblem::SignatureTable)?;
        if rest.starts_with(&PKCS_SIGNED_DATA) {
            signatures.push(message.to_vec());
        }
        // Firmware refuses a table whose last entry lacks its padding.
        table = table.get(length.next_multiple_of(8)..).ok_or(PeProblem::SignatureTable)?;
    }
    if table.is_empty() { Ok(signatures) } else { Err(PeProblem::SignatureTable) }
}
