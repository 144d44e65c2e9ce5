//! The version of the stub in a UKI.

use foreign_text::ForeignText;

use crate::pe::problem::PeProblem;

/// The first version whose measurements are known here.
const FIRST: u32 = 257;

/// The first version that loads the kernel by itself, and not with the firmware's `LoadImage`.
const FIRST_OWN_LOADER: u32 = 258;

/// The text before the version in the section `.sdmagic` (`src/boot/stub.c` of systemd).
const PREFIX: &str = "#### LoaderInfo: systemd-stub ";

/// A version of systemd's stub: the number of systemd's release.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StubVersion(u32);

impl StubVersion {
    /// Reads the content of the section `.sdmagic`.
    pub(crate) fn parse(magic: &[u8]) -> Result<Self, PeProblem> {
        let text = String::from_utf8_lossy(magic);
        let version = text.strip_prefix(PREFIX).unwrap_or_default();
        let digits = version.split(|it: char| !it.is_ascii_digit()).next().unwrap_or_default();
        match digits.parse() {
            Ok(number) if number >= FIRST => Ok(Self(number)),
            _ => {
                let stub = ForeignText::line(&*text).into_string();
                Err(PeProblem::UnknownStub { stub })
            }
        }
    }

    /// Returns true if the firmware measures the kernel when the stub starts it.
    ///
    /// Before version 258, the stub lets the firmware load the kernel, and the firmware measures
    /// what it loads. Under Secure Boot the stub replaces the firmware's check of the kernel, and
    /// the firmware measures only in that check (`load_image` in `src/boot/linux.c` and
    /// `security2_hook` in `src/boot/secure-boot.c` of systemd 257).
    pub(crate) fn firmware_measures_kernel(self, secure_boot: bool) -> bool {
        self.0 < FIRST_OWN_LOADER && !secure_boot
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_stubs_are_predicted() {
        let parse = |text: &str| StubVersion::parse(text.as_bytes());
        let old = parse("#### LoaderInfo: systemd-stub 257.13-1~deb13u1 ####\0").unwrap();
        assert!(old.firmware_measures_kernel(false) && !old.firmware_measures_kernel(true));
        let new = parse("#### LoaderInfo: systemd-stub 262.1-1 ####").unwrap();
        assert!(!new.firmware_measures_kernel(false));
        for text in ["", "#### LoaderInfo: systemd-stub 252 ####", "#### LoaderInfo: x 257"] {
            parse(text).unwrap_err();
        }
    }
}
