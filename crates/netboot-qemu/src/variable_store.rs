//! The variables of UEFI firmware, as EDK II keeps them in the flash memory of a virtual machine.
//!
//! The format is that of `MdePkg/Include/Pi/PiFirmwareVolume.h` and
//! `MdeModulePkg/Include/Guid/VariableFormat.h` of EDK II: the header of a firmware volume, the
//! header of the store, and one variable after the other. Numbers are little-endian.

mod blank;

use std::fmt;

use uuid::Uuid;

/// The vendor of variables that the UEFI specification defines (`EFI_GLOBAL_VARIABLE`).
pub(crate) const GLOBAL: Uuid = Uuid::from_u128(0x8be4df61_93ca_11d2_aa0d_00e098032b8c);

/// The vendor of EDK II's switch for Secure Boot (`gEfiSecureBootEnableDisableGuid`).
const SECURE_BOOT_SWITCH: Uuid = Uuid::from_u128(0xf0a30bc7_af08_4556_99c4_001009c93a44);

/// The vendor of the keys for programs (`EFI_IMAGE_SECURITY_DATABASE_GUID`).
pub(crate) const IMAGE_SECURITY: Uuid = Uuid::from_u128(0xd719b2cb_3d3a_4596_a3bc_dad00e67656f);

/// The format of a store with authenticated variables (`gEfiAuthenticatedVariableGuid`).
const AUTHENTICATED: Uuid = Uuid::from_u128(0xaaf32c78_947b_439a_a180_2e144ec37792);

/// The signature of a firmware volume, and its place.
const VOLUME_SIGNATURE: (usize, &[u8]) = (0x28, b"_FVH");
/// The least length of a firmware volume's header.
const VOLUME_HEADER: usize = 0x48;
/// The place of the length of a firmware volume's header.
const VOLUME_HEADER_LENGTH: usize = 0x30;

/// The length of the header of a store (`VARIABLE_STORE_HEADER`).
const STORE_HEADER: usize = 28;
/// The states of a store that is formatted and healthy, behind its size.
const STORE_STATES: [u8; 2] = [0x5a, 0xfe];

/// The length of the header of a variable (`AUTHENTICATED_VARIABLE_HEADER`).
const HEADER: usize = 60;
/// The number at the beginning of each variable.
const BEGIN: [u8; 2] = [0xaa, 0x55];
/// The state of a variable that is in use.
const ADDED: u8 = 0x3f;
/// The state of a variable in use that was about to be replaced (`VAR_IN_DELETED_TRANSITION`).
const IN_TRANSITION: u8 = 0x3e;
/// The bits that stay in the state of a deleted variable.
const DELETED: u8 = 0xfd;

/// The attributes of a variable that firmware and system read and that a restart keeps:
/// `NON_VOLATILE`, `BOOTSERVICE_ACCESS` and `RUNTIME_ACCESS` of the UEFI specification.
pub(crate) const KEPT: u32 = 0x7;

/// The reason why a file of variables cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum VariableProblem {
    /// The file is not a firmware volume with authenticated variables, as OVMF has them.
    Format,
    /// The store has no room for the variables of a boot.
    Full,
    /// The store has no platform key (`PK`), so Secure Boot is off.
    NoPlatformKey,
    /// The store has no key for programs (`db`), so the firmware would refuse every program.
    NoProgramKey,
    /// The store has keys, but Secure Boot is switched off in it.
    SwitchedOff,
}

impl fmt::Display for VariableProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Format => "it is not a store of authenticated variables",
            Self::Full => "it has no room for the variables of a boot",
            Self::NoPlatformKey => "it has no platform key, so Secure Boot is off",
            Self::NoProgramKey => "it has no key for programs, so the firmware refuses all of them",
            Self::SwitchedOff => "Secure Boot is switched off in it",
        })
    }
}

impl VariableProblem {
    pub(crate) fn hint(self) -> &'static str {
        match self {
            Self::Format => {
                "give the variables that belong to the firmware's code, such as OVMF_VARS_4M.fd for \
                 OVMF_CODE_4M.fd, as a raw image"
            }
            Self::Full => "give a new copy of the firmware's initial variables",
            Self::NoPlatformKey | Self::NoProgramKey | Self::SwitchedOff => {
                "give keys with firmware_keys, or a file with enrolled keys with \
                 firmware_variables: `virt-fw-vars --input \
                 /usr/share/OVMF/OVMF_VARS_4M.fd --output KEYS.fd --enroll-cert CERT --add-db \
                 GUID CERT --no-microsoft --sb` (Debian 13: python3-virt-firmware) writes one"
            }
        }
    }
}

/// The content of a file of variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VariableStore {
    bytes: Vec<u8>,
    /// The place of the first variable.
    begin: usize,
    /// The place after the last byte for variables.
    end: usize,
}

/// A variable in the store: the places of its parts.
struct Entry {
    header: usize,
    name: usize,
    data: usize,
    end: usize,
}

impl VariableStore {
    /// Reads a file of variables. A file of zeros gets a store, which firmware would make at its
    /// first start.
    pub(crate) fn new(mut bytes: Vec<u8>) -> Result<Self, VariableProblem> {
        let problem = VariableProblem::Format;
        if part(&bytes, 0, VOLUME_HEADER).is_some_and(|head| head.iter().all(|byte| *byte == 0)) {
            blank::format(&mut bytes);
        }
        let (place, signature) = VOLUME_SIGNATURE;
        if part(&bytes, place, signature.len()) != Some(signature) {
            return Err(problem);
        }
        let header = part(&bytes, VOLUME_HEADER_LENGTH, 2).ok_or(problem)?;
        let header = header.iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        let size = number(&bytes, header + 16).ok_or(problem)?;
        let end = header.checked_add(size).filter(|end| *end <= bytes.len()).ok_or(problem)?;
        let format = part(&bytes, header, 16);
        let states = part(&bytes, header + 20, STORE_STATES.len());
        if format != Some(AUTHENTICATED.to_bytes_le().as_slice())
            || states != Some(STORE_STATES.as_slice())
            || size < STORE_HEADER
        {
            return Err(problem);
        }
        Ok(Self { bytes, begin: header + STORE_HEADER, end })
    }

    /// Returns the file's content.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Fails unless firmware with these variables refuses programs that its keys did not sign.
    pub(crate) fn ensure_secure_boot(&self) -> Result<(), VariableProblem> {
        let has = |name: &str, vendor| self.get(name, vendor).is_some_and(|data| !data.is_empty());
        if !has("PK", GLOBAL) {
            return Err(VariableProblem::NoPlatformKey);
        }
        if !has("db", IMAGE_SECURITY) {
            return Err(VariableProblem::NoProgramKey);
        }
        // Without the variable, firmware with a platform key switches Secure Boot on
        // (`AuthVariableLibInitialize` in EDK II's `SecurityPkg/Library/AuthVariableLib`).
        match self.get("SecureBootEnable", SECURE_BOOT_SWITCH) {
            None | Some([1]) => Ok(()),
            Some(_) => Err(VariableProblem::SwitchedOff),
        }
    }

    /// Deletes the switch for Secure Boot. Firmware with keys that uses this store writes it again
    /// at its start, switched on.
    pub(crate) fn forget_switch(&mut self) {
        self.delete("SecureBootEnable", SECURE_BOOT_SWITCH);
    }

    /// Returns true if the switch for Secure Boot is in the store, and is on.
    pub(crate) fn is_switched_on(&self) -> bool {
        self.get("SecureBootEnable", SECURE_BOOT_SWITCH) == Some(&[1])
    }

    /// Returns the data of a variable.
    pub(crate) fn get(&self, name: &str, vendor: Uuid) -> Option<&[u8]> {
        let entry = self.live(name, vendor).next()?;
        self.bytes.get(entry.data..entry.end)
    }

    /// Sets a variable without authentication. It replaces the variable of this name.
    pub(crate) fn set(
        &mut self,
        name: &str,
        vendor: Uuid,
        attributes: u32,
        data: &[u8],
    ) -> Result<(), VariableProblem> {
        let name_bytes = utf16(name);
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).map_err(|_| VariableProblem::Full);
        let mut variable = vec![BEGIN[0], BEGIN[1], ADDED, 0];
        variable.extend(attributes.to_le_bytes());
        // The count, the time and the key of authenticated writes.
        variable.extend([0; 8 + 16 + 4]);
        variable.extend(length(&name_bytes)?.to_le_bytes());
        variable.extend(length(data)?.to_le_bytes());
        variable.extend(vendor.to_bytes_le());
        variable.extend(name_bytes);
        variable.extend(data);
        let place = self.entries().last().map_or(self.begin, |last| aligned(last.end));
        let room = self.end.saturating_sub(place);
        // An empty header has to follow the last variable.
        if variable.len() + HEADER > room {
            return Err(VariableProblem::Full);
        }
        let rest = self.bytes.get(place..self.end).unwrap_or_default();
        // Flash memory that was erased. Anything else is something that is not understood here.
        if rest.iter().any(|byte| *byte != 0xff) {
            return Err(VariableProblem::Format);
        }
        self.delete(name, vendor);
        if let Some(target) = self.bytes.get_mut(place..place + variable.len()) {
            target.copy_from_slice(&variable);
        }
        Ok(())
    }

    fn delete(&mut self, name: &str, vendor: Uuid) {
        let live: Vec<usize> = self.live(name, vendor).map(|entry| entry.header).collect();
        for header in live {
            if let Some(state) = self.bytes.get_mut(header + 2) {
                *state &= DELETED;
            }
        }
    }

    /// The variables of this name that are not deleted.
    fn live(&self, name: &str, vendor: Uuid) -> impl Iterator<Item = Entry> {
        let (name, vendor) = (utf16(name), vendor.to_bytes_le());
        self.entries().filter(move |entry| {
            let state = self.bytes.get(entry.header + 2);
            state.is_some_and(|state| matches!(*state, ADDED | IN_TRANSITION))
                && self.bytes.get(entry.name..entry.data) == Some(name.as_slice())
                && part(&self.bytes, entry.header + 44, 16) == Some(vendor.as_slice())
        })
    }

    /// All variables, also the deleted ones, up to the first place without one.
    fn entries(&self) -> impl Iterator<Item = Entry> {
        let mut place = self.begin;
        std::iter::from_fn(move || {
            if part(&self.bytes, place, 2)? != BEGIN {
                return None;
            }
            let name = place + HEADER;
            let data = name.checked_add(number(&self.bytes, place + 36)?)?;
            let end = data.checked_add(number(&self.bytes, place + 40)?)?;
            if end > self.end {
                return None;
            }
            let header = std::mem::replace(&mut place, aligned(end));
            Some(Entry { header, name, data, end })
        })
    }
}

/// Returns `length` bytes at a place, if they exist.
fn part(bytes: &[u8], place: usize, length: usize) -> Option<&[u8]> {
    bytes.get(place..place.checked_add(length)?)
}

/// Returns the number of 32 bits at a place.
fn number(bytes: &[u8], place: usize) -> Option<usize> {
    let bytes = part(bytes, place, 4)?.try_into().ok()?;
    usize::try_from(u32::from_le_bytes(bytes)).ok()
}

/// Returns the next place where a variable can begin.
fn aligned(place: usize) -> usize {
    place.next_multiple_of(4)
}

/// Returns a text as the firmware writes it: UTF-16 with a NUL at its end.
pub(crate) fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A store with room for this many bytes of variables.
    fn blank(room: usize) -> Vec<u8> {
        let mut bytes = vec![0; 0x48];
        bytes[0x28..0x2c].copy_from_slice(b"_FVH");
        bytes[0x30] = 0x48;
        bytes.extend(AUTHENTICATED.to_bytes_le());
        bytes.extend(u32::try_from(STORE_HEADER + room).unwrap().to_le_bytes());
        bytes.extend([0x5a, 0xfe, 0, 0, 0, 0, 0, 0]);
        bytes.resize(bytes.len() + room, 0xff);
        bytes
    }

    fn with(variables: &[(&str, Uuid, &[u8])]) -> VariableStore {
        let mut store = VariableStore::new(blank(1024)).unwrap();
        for (name, vendor, data) in variables {
            store.set(name, *vendor, KEPT, data).unwrap();
        }
        store
    }

    #[test]
    fn the_last_value_counts() {
        let other = Uuid::from_u128(7);
        let store = with(&[
            ("A", GLOBAL, b"one"),
            ("A", other, b"another vendor's"),
            ("AB", GLOBAL, b"two"),
            ("A", GLOBAL, b"three"),
        ]);
        let store = VariableStore::new(store.into_bytes()).unwrap();
        assert_eq!(store.get("A", GLOBAL), Some(b"three".as_slice()));
        assert_eq!(store.get("A", other), Some(b"another vendor's".as_slice()));
        assert_eq!(store.get("AB", GLOBAL), Some(b"two".as_slice()));
        assert_eq!(store.get("B", GLOBAL), None);
        assert_eq!(store.entries().count(), 4);
    }

    #[test]
    fn a_full_store_stays_as_it_is() {
        let mut store = VariableStore::new(blank(200)).unwrap();
        store.set("A", GLOBAL, KEPT, &[1; 10]).unwrap();
        let before = store.clone();
        assert_eq!(store.set("A", GLOBAL, KEPT, &[2; 80]), Err(VariableProblem::Full));
        assert_eq!(store, before);
    }

    #[test]
    fn what_is_no_store_is_refused() {
        let whole = blank(100);
        for damaged in [
            Vec::new(),
            vec![0xff; 1 << 12],
            whole[..whole.len() - 1].to_vec(),
            [&whole[..0x48], &[0; 20], &whole[0x5c..]].concat(),
        ] {
            assert_eq!(VariableStore::new(damaged), Err(VariableProblem::Format));
        }
        assert_eq!(VariableStore::new(vec![0; 1 << 12]), Err(VariableProblem::Format));
        assert_eq!(VariableStore::new(vec![0; 1 << 20]).unwrap().entries().count(), 0);
        // Something lies where the next variable goes.
        let mut whole = blank(1024);
        *whole.last_mut().unwrap() = 0;
        let mut store = VariableStore::new(whole).unwrap();
        assert_eq!(store.set("A", GLOBAL, KEPT, &[]), Err(VariableProblem::Format));
    }

    #[test]
    fn secure_boot_needs_keys_and_must_be_on() {
        let keys = [("PK", GLOBAL, b"k".as_slice()), ("db", IMAGE_SECURITY, b"k".as_slice())];
        let checked = |variables: &[_]| with(variables).ensure_secure_boot();
        assert_eq!(checked(&keys[1..]), Err(VariableProblem::NoPlatformKey));
        assert_eq!(checked(&keys[..1]), Err(VariableProblem::NoProgramKey));
        checked(&keys).unwrap();
        for (value, expected) in [(b"\x01", Ok(())), (b"\0", Err(VariableProblem::SwitchedOff))] {
            let switch = ("SecureBootEnable", SECURE_BOOT_SWITCH, value.as_slice());
            assert_eq!(checked(&[keys[0], keys[1], switch]), expected);
            let mut store = with(&[keys[0], keys[1], switch]);
            assert_eq!(store.is_switched_on(), expected.is_ok());
            store.forget_switch();
            assert!(!store.is_switched_on());
            store.ensure_secure_boot().unwrap();
        }
    }

    proptest! {
        #[test]
        fn damaged_stores_break_nothing(place in 0_usize..600, bytes in any::<[u8; 4]>(), cut in 0_usize..1200) {
            let mut damaged = with(&[("A", GLOBAL, b"one"), ("PK", GLOBAL, b"k")]).into_bytes();
            damaged[place..place + 4].copy_from_slice(&bytes);
            damaged.truncate(damaged.len() - cut.min(damaged.len()));
            if let Ok(mut store) = VariableStore::new(damaged) {
                let length = store.bytes.len();
                let _ = store.ensure_secure_boot();
                if store.set("B", GLOBAL, KEPT, b"x").is_ok() {
                    prop_assert_eq!(store.get("B", GLOBAL), Some(b"x".as_slice()));
                }
                prop_assert_eq!(store.into_bytes().len(), length);
            }
        }
    }
}
