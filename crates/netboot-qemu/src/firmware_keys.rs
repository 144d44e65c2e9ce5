//! The keys of UEFI firmware with Secure Boot.

use crate::error::Error;
use crate::variable_store::{GLOBAL, IMAGE_SECURITY, VariableProblem, VariableStore};

/// The attributes of the variables with keys: a restart keeps them, firmware and system read them,
/// and only signed values change them (`EFI_VARIABLE_TIME_BASED_AUTHENTICATED_WRITE_ACCESS` in
/// section 8.2 of the UEFI specification 2.10).
const SIGNED: u32 = 0x27;

/// The length of the header of a list of certificates (`EFI_SIGNATURE_LIST`, section 32.4.1).
const LIST_HEADER: usize = 28;

/// The keys that a machine with Secure Boot trusts, as the values of the firmware's variables. Each
/// value is a sequence of `EFI_SIGNATURE_LIST`, as files with the extension `.esl` have it.
/// `TestKeys` of netboot-uki and `cert-to-efi-sig-list` of efitools write such files.
///
/// ```no_run
/// use std::fs;
/// use netboot_qemu::{Firmware, FirmwareKeys, Machine};
///
/// let value = |name: &str| fs::read(format!("keys/{name}.esl"));
/// let keys = FirmwareKeys::new(value("PK")?, value("KEK")?, value("db")?)?;
/// let machine = Machine::builder().firmware(Firmware::UefiSecureBoot).firmware_keys(keys);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirmwareKeys {
    platform_key: Vec<u8>,
    exchange_keys: Vec<u8>,
    signatures: Vec<u8>,
}

impl FirmwareKeys {
    /// Takes the values of the variables `PK`, `KEK` and `db`.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] for a value that is not one or more lists.
    pub fn new(
        platform_key: impl Into<Vec<u8>>,
        exchange_keys: impl Into<Vec<u8>>,
        signatures: impl Into<Vec<u8>>,
    ) -> Result<Self, Error> {
        let keys = Self {
            platform_key: platform_key.into(),
            exchange_keys: exchange_keys.into(),
            signatures: signatures.into(),
        };
        for (name, value) in [
            ("value of PK", &keys.platform_key),
            ("value of KEK", &keys.exchange_keys),
            ("value of db", &keys.signatures),
        ] {
            if value.is_empty() || !is_lists(value) {
                return Err(Error::InvalidSetting {
                    setting: name,
                    value: "what was given".to_owned(),
                    problem: "give the content of an `.esl` file, not a certificate or a signed \
                              value",
                });
            }
        }
        Ok(keys)
    }

    /// Writes the keys into a store.
    pub(crate) fn enrol(&self, store: &mut VariableStore) -> Result<(), VariableProblem> {
        store.set("db", IMAGE_SECURITY, SIGNED, &self.signatures)?;
        store.set("KEK", GLOBAL, SIGNED, &self.exchange_keys)?;
        store.set("PK", GLOBAL, SIGNED, &self.platform_key)
    }
}

/// Returns true if the bytes are lists from the first to the last one. Each has its size behind the
/// 16 bytes of its type, and then the sizes of a header and of each of its entries.
fn is_lists(mut bytes: &[u8]) -> bool {
    let number = |bytes: &[u8], place: usize| {
        let bytes = bytes.get(place..place + 4)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(bytes)).ok()
    };
    while !bytes.is_empty() {
        let sizes = (number(bytes, 16), number(bytes, 20), number(bytes, 24));
        let (Some(size), Some(header), Some(entry)) = sizes else { return false };
        let content = size.checked_sub(LIST_HEADER).and_then(|rest| rest.checked_sub(header));
        let fits = content.is_some_and(|content| {
            // An entry begins with the 16 bytes of its owner.
            entry > 16 && content > 0 && content.is_multiple_of(entry)
        });
        let Some(rest) = bytes.get(size..).filter(|_| fits) else { return false };
        bytes = rest;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list with one entry of this many bytes.
    fn list(length: u32) -> Vec<u8> {
        let sizes = [28 + length, 0, length];
        let sizes = sizes.into_iter().flat_map(u32::to_le_bytes);
        let content = std::iter::repeat_n(7, usize::try_from(length).unwrap());
        std::iter::repeat_n(1, 16).chain(sizes).chain(content).collect()
    }

    #[test]
    fn only_whole_lists_are_keys() {
        let good = list(40);
        let two = [good.clone(), list(17)].concat();
        FirmwareKeys::new(&*good, &*two, &*good).unwrap();
        let cut = &good[..good.len() - 1];
        let longer = [&*good, &[0]].concat();
        for bad in
            [b"".as_slice(), b"-----BEGIN CERTIFICATE-----", cut, &longer, &list(16), &[0; 64]]
        {
            let error = FirmwareKeys::new(&*good, &*good, bad).unwrap_err();
            assert!(error.to_string().contains("value of db"), "{error}");
            assert!(error.hint().is_some_and(|hint| hint.contains("`.esl`")), "{error}");
        }
    }
}
