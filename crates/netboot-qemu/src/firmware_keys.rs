//! The keys of UEFI firmware with Secure Boot.

use std::path::{Path, PathBuf};

use netboot_core::read_regular_file;
use netboot_uki::{Certificate, SignatureList};
use uuid::{Uuid, uuid};

use crate::error::Error;
use crate::variable_store::{GLOBAL, IMAGE_SECURITY, VariableProblem, VariableStore};

/// The attributes of the variables with keys: a restart keeps them, firmware and system read them,
/// and only signed values change them (`EFI_VARIABLE_TIME_BASED_AUTHENTICATED_WRITE_ACCESS` in
/// section 8.2 of the UEFI specification 2.10).
const SIGNED: u32 = 0x27;

/// The length of the header of a list of certificates (`EFI_SIGNATURE_LIST`, section 32.4.1).
const LIST_HEADER: usize = 28;

/// The greatest size of a file with lists, in bytes.
const LIMIT: u64 = 64 * 1024;

/// The owner of entries that are made of a certificate here. Firmware does not read it.
const OWNER: Uuid = uuid!("4f2d1c5e-7b60-4d1a-9a0e-6e6574626f74");

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
        let checked = |setting, value| lists(setting, "what was given", value);
        Ok(Self {
            platform_key: checked("value of PK", platform_key.into())?,
            exchange_keys: checked("value of KEK", exchange_keys.into())?,
            signatures: checked("value of db", signatures.into())?,
        })
    }

    /// Reads the keys of a directory: for each variable the list `PK.esl`, `KEK.esl` or `db.esl`,
    /// or otherwise one certificate in PEM or DER, `PK.crt`, `KEK.crt` or `db.crt`. `TestKeys` of
    /// netboot-uki writes such a directory. Private keys in it are not read. This blocks its
    /// thread.
    ///
    /// `db` has to be there, because it says which programs start. In place of a missing `PK` or
    /// `KEK`, the machine gets the certificate of `db`: these two only decide who may change the
    /// variables.
    ///
    /// # Errors
    /// [`Error::NoProgramKeys`] without `db`, [`Error::UnusableKeys`] for a file that cannot be
    /// read or is no certificate, and [`Error::InvalidSetting`] for a file that is not one or more
    /// lists.
    pub fn read(directory: impl AsRef<Path>) -> Result<Self, Error> {
        let directory = directory.as_ref();
        let missing = || Error::NoProgramKeys { directory: directory.to_owned() };
        let signatures = value_in(directory, "db", "value of db")?.ok_or_else(missing)?;
        let value = |name, setting| {
            Ok::<_, Error>(
                value_in(directory, name, setting)?.unwrap_or_else(|| signatures.clone()),
            )
        };
        Ok(Self {
            platform_key: value("PK", "value of PK")?,
            exchange_keys: value("KEK", "value of KEK")?,
            signatures,
        })
    }

    /// Writes the keys into a store.
    pub(crate) fn enrol(&self, store: &mut VariableStore) -> Result<(), VariableProblem> {
        store.set("db", IMAGE_SECURITY, SIGNED, &self.signatures)?;
        store.set("KEK", GLOBAL, SIGNED, &self.exchange_keys)?;
        store.set("PK", GLOBAL, SIGNED, &self.platform_key)
    }
}

/// The place that a machine has its keys from.
#[derive(Debug, Clone)]
pub(crate) enum KeySource {
    Values(FirmwareKeys),
    Directory(PathBuf),
}

impl KeySource {
    /// Returns the keys. A directory is read now.
    pub(crate) async fn keys(&self) -> Result<FirmwareKeys, Error> {
        match self {
            Self::Values(keys) => Ok(keys.clone()),
            Self::Directory(directory) => {
                let directory = directory.clone();
                let read = move || Ok::<_, netboot_core::Error>(FirmwareKeys::read(directory));
                netboot_core::blocking(read).await.map_err(netboot_uki::Error::from)?
            }
        }
    }
}

/// Returns the value of a variable from the files of a directory, if it has any for it.
fn value_in(directory: &Path, name: &str, setting: &'static str) -> Result<Option<Vec<u8>>, Error> {
    let path = directory.join(format!("{name}.esl"));
    if path.exists() {
        let value = read_regular_file(&path, LIMIT).map_err(netboot_uki::Error::from)?;
        return lists(setting, &format!("`{}`", path.display()), value).map(Some);
    }
    let path = directory.join(format!("{name}.crt"));
    if path.exists() {
        let list = SignatureList::new(OWNER, &Certificate::read(&path)?);
        return Ok(Some(list.as_bytes().to_vec()));
    }
    Ok(None)
}

/// Returns a value that is one or more lists. `shown` names it in the error.
fn lists(setting: &'static str, shown: &str, value: Vec<u8>) -> Result<Vec<u8>, Error> {
    if value.is_empty() || !is_lists(&value) {
        return Err(Error::InvalidSetting {
            setting,
            value: shown.to_owned(),
            problem: "give the content of an `.esl` file, not a certificate or a signed value",
        });
    }
    Ok(value)
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
    fn a_directory_needs_only_the_certificate_of_programs() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let error = FirmwareKeys::read(&directory).unwrap_err();
        assert!(error.to_string().contains("neither `db.esl` nor `db.crt`"), "{error}");
        std::fs::write(path("db.crt"), "no certificate").unwrap();
        let error = FirmwareKeys::read(&directory).unwrap_err();
        assert!(matches!(&error, Error::UnusableKeys(_)), "{error:?}");
        std::fs::write(path("db.esl"), "no list").unwrap();
        let error = FirmwareKeys::read(&directory).unwrap_err();
        assert!(error.to_string().contains("db.esl`: give the content"), "{error}");
        std::fs::write(path("db.esl"), list(40)).unwrap();
        std::fs::write(path("KEK.esl"), list(50)).unwrap();
        let keys = FirmwareKeys::read(&directory).unwrap();
        assert_eq!(keys, FirmwareKeys::new(list(40), list(50), list(40)).unwrap());
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
