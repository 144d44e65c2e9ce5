//! The files of the UEFI firmware.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::firmware::Firmware;
use crate::platform::Platform;

/// The file with the firmware's code, which is read-only, and the file with its initial variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UefiFiles {
    pub(crate) code: PathBuf,
    pub(crate) variables: PathBuf,
    /// The kind of the firmware, which is not BIOS.
    pub(crate) firmware: Firmware,
}

impl UefiFiles {
    /// Returns the files that the caller names, or the first known pair of existing files. If the
    /// caller names only the code, the variables are beside it, with `VARS` for `CODE` in the name.
    ///
    /// Variables that the caller names are no part of the firmware's packages.
    pub(crate) fn locate(
        code: Option<&Path>,
        variables: Option<&Path>,
        program: &Path,
        platform: &'static Platform,
        firmware: Firmware,
    ) -> Result<Self, Error> {
        let architecture = platform.architecture;
        let firmware_missing = |searched| Error::FirmwareMissing { architecture, searched };
        if let Some(path) = variables {
            fs::metadata(path).map_err(|source| {
                let path = path.to_owned();
                Error::Io { action: "read", path, source }
            })?;
        }
        if let Some(code) = code {
            let variables = variables.map_or_else(|| variables_beside(code), Path::to_owned);
            let files = Self { code: code.to_owned(), variables, firmware };
            return match files.missing() {
                None => Ok(files),
                Some(path) => Err(firmware_missing(vec![path.to_owned()])),
            };
        }
        let prefix = program.canonicalize().unwrap_or_default();
        let prefix = prefix.ancestors().nth(2).unwrap_or(Path::new("/usr"));
        let known = match firmware {
            Firmware::UefiSecureBoot => platform.secure_firmware,
            Firmware::Bios | Firmware::Uefi => platform.firmware,
        };
        let mut candidates = known.iter().map(|(code, default)| Self {
            code: prefix.join(code),
            variables: variables.map_or_else(|| prefix.join(default), Path::to_owned),
            firmware,
        });
        let searched = candidates.clone().map(|files| files.code).collect();
        candidates.find(|files| files.missing().is_none()).ok_or_else(|| firmware_missing(searched))
    }

    fn missing(&self) -> Option<&Path> {
        [&self.code, &self.variables].into_iter().find(|path| !path.is_file()).map(PathBuf::as_path)
    }
}

fn variables_beside(code: &Path) -> PathBuf {
    let name = code.file_name().unwrap_or_default().to_string_lossy();
    code.with_file_name(name.replace("CODE", "VARS").replace("code", "vars"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRMWARE: Firmware = Firmware::Uefi;

    #[test]
    fn the_variables_lie_beside_the_code() {
        let directory = tempfile::tempdir().unwrap();
        let code = directory.path().join("OVMF_CODE_4M.fd");
        let variables = directory.path().join("OVMF_VARS_4M.fd");
        fs::write(&code, "").unwrap();
        let error =
            UefiFiles::locate(Some(&code), None, Path::new("qemu"), Platform::X86_64, FIRMWARE)
                .unwrap_err();
        assert!(
            matches!(&error, Error::FirmwareMissing { searched, .. } if searched[..] == [variables.clone()]),
            "{error}"
        );
        fs::write(&variables, "").unwrap();
        let files =
            UefiFiles::locate(Some(&code), None, Path::new("qemu"), Platform::X86_64, FIRMWARE)
                .unwrap();
        assert_eq!(files, UefiFiles { code, variables, firmware: FIRMWARE });
    }

    #[test]
    fn variables_that_do_not_exist_are_no_missing_package() {
        let directory = tempfile::tempdir().unwrap();
        let variables = directory.path().join("keys.fd");
        let platform = Platform::X86_64;
        for code in [None, Some(Path::new("/no/such/CODE.fd"))] {
            let qemu = Path::new("qemu");
            let located = UefiFiles::locate(code, Some(&variables), qemu, platform, FIRMWARE);
            let error = located.unwrap_err();
            assert!(matches!(&error, Error::Io { path, .. } if *path == variables), "{error}");
            assert!(error.hint().unwrap().contains("check the spelling of the path"), "{error}");
        }
    }

    #[test]
    fn firmware_is_found_at_the_prefix_of_qemu() {
        let prefix = tempfile::tempdir().unwrap();
        let prefix = prefix.path().canonicalize().unwrap();
        for path in ["bin/qemu", "share/qemu/edk2-x86_64-code.fd", "share/qemu/edk2-i386-vars.fd"] {
            fs::create_dir_all(prefix.join(path).parent().unwrap()).unwrap();
            fs::write(prefix.join(path), "").unwrap();
        }
        let own = UefiFiles {
            code: prefix.join("share/qemu/edk2-x86_64-code.fd"),
            variables: prefix.join("share/qemu/edk2-i386-vars.fd"),
            firmware: FIRMWARE,
        };
        let found =
            UefiFiles::locate(None, None, &prefix.join("bin/qemu"), Platform::X86_64, FIRMWARE)
                .unwrap();
        // A distribution's firmware goes first where there is one.
        assert!(found == own || found.code.starts_with("/usr/share"), "{found:?}");
    }
}
