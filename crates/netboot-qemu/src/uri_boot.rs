//! The variables with which UEFI firmware boots a program from a URL.

use crate::variable_store::{GLOBAL, KEPT, VariableProblem, VariableStore, utf16};

/// The number of the boot option. Firmware counts its own options from zero.
const OPTION: u16 = 0x00f0;

/// The name of the boot option, which the firmware shows.
const DESCRIPTION: &str = "Netboot";

/// Makes the firmware boot the program at `url` first, whatever else it can boot. The URL is ASCII.
pub(crate) fn set(store: &mut VariableStore, url: &str) -> Result<(), VariableProblem> {
    let option = load_option(url).ok_or(VariableProblem::Full)?;
    store.set(&format!("Boot{OPTION:04X}"), GLOBAL, KEPT, &option)?;
    // The firmware sorts the boot order by QEMU's boot indices, and leaves this one alone.
    store.set("BootNext", GLOBAL, KEPT, &OPTION.to_le_bytes())
}

/// Returns an active boot option (UEFI specification 2.10, section 3.1.3, `EFI_LOAD_OPTION`) with
/// the short form of a device path: only a URI (section 3.1.2). The firmware tries
/// it on every network card. `None` if the URL is too long for it.
fn load_option(url: &str) -> Option<Vec<u8>> {
    let length = u16::try_from(url.len().checked_add(4)?).ok()?.to_le_bytes();
    let uri = [0x03, 0x18].into_iter().chain(length).chain(url.bytes());
    let path: Vec<u8> = uri.chain([0x7f, 0xff, 0x04, 0x00]).collect();
    let path_length = u16::try_from(path.len()).ok()?;
    let active = 1_u32.to_le_bytes().into_iter();
    let option = active.chain(path_length.to_le_bytes()).chain(utf16(DESCRIPTION));
    Some(option.chain(path).collect())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use netboot_testbed::DebianTree;

    use super::*;

    #[test]
    fn virt_firmware_reads_the_variables_as_they_are_meant() {
        let store = fs::read("/usr/share/OVMF/OVMF_VARS_4M.fd").unwrap();
        let mut store = VariableStore::new(store).unwrap();
        for url in ["http://127.0.0.1/first.efi", "http://127.0.0.1:81/x,y.efi"] {
            set(&mut store, url).unwrap();
        }
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("variables");
        fs::write(&file, store.into_bytes()).unwrap();
        let mut print = DebianTree::TRIXIE_VIRT_FIRMWARE.python("usr/bin/virt-fw-vars");
        let output = print.args(["--print", "--input"]).arg(&file).output().unwrap();
        let lines = String::from_utf8_lossy(&output.stdout);
        for (name, value) in [
            ("Boot00F0", "title=\"Netboot\" devpath=URI(http://127.0.0.1:81/x,y.efi)"),
            ("BootNext", "boot order: 00f0"),
        ] {
            let line = lines.lines().find(|line| line.starts_with(name)).unwrap_or_default();
            assert!(line.contains(value), "{line} in {lines}");
        }
        assert!(!lines.contains("first"), "{lines}");
    }

    #[test]
    fn the_option_has_the_form_of_the_specification() {
        let option = load_option("http://h/x").unwrap();
        let description: Vec<u8> = "Netboot\0".bytes().flat_map(|byte| [byte, 0]).collect();
        let path = [b"\x03\x18\x0e\0http://h/x".as_slice(), b"\x7f\xff\x04\0"].concat();
        let expected = [b"\x01\0\0\0\x12\0".as_slice(), &description, &path].concat();
        assert_eq!(option, expected);
        assert_eq!(load_option(&"x".repeat(1 << 16)), None);
        assert_eq!(load_option(&"x".repeat((1 << 16) - 5)), None);
    }
}
