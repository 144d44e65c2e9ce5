//! The way in which a machine comes to its UKI.

use netboot_core::Sha256Digest;

use crate::efi_program::EfiProgram;
use crate::error::Error;
use crate::uki::text;

/// The way in which a machine comes to its UKI, as far as the PCRs depend on it. The simplest way
/// is that the firmware starts the UKI under Secure Boot.
///
/// # Examples
/// ```no_run
/// use netboot_uki::{BootPath, EfiProgram};
///
/// // The firmware starts iPXE, and iPXE starts the UKI.
/// let path = BootPath::secure_boot().ipxe(&EfiProgram::open("ipxe.efi")?);
/// // The firmware of this machine tried one boot option before, which had nothing to boot.
/// let path = path.failed_attempts(1);
/// # Ok::<(), netboot_uki::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootPath {
    pub(crate) is_secure: bool,
    pub(crate) failed_attempts: u8,
    programs: Vec<Program>,
    pub(crate) load_options: Option<String>,
    pub(crate) command_lines: Vec<String>,
}

impl BootPath {
    /// The firmware starts the UKI under Secure Boot.
    pub fn secure_boot() -> Self {
        Self {
            is_secure: true,
            failed_attempts: 0,
            programs: Vec::new(),
            load_options: None,
            command_lines: Vec::new(),
        }
    }

    /// The firmware starts the UKI without Secure Boot.
    pub fn without_secure_boot() -> Self {
        Self { is_secure: false, ..Self::secure_boot() }
    }

    /// Returns true under Secure Boot.
    pub fn is_secure_boot(&self) -> bool {
        self.is_secure
    }

    /// Adds a program that is loaded before the UKI, such as shim. Add programs in the order in
    /// which they are loaded. [`ipxe`](Self::ipxe) adds iPXE.
    #[must_use]
    pub fn program(mut self, program: &EfiProgram) -> Self {
        let digest = program.measured_digest();
        self.programs.push(Program { digest, loads_next: 1 });
        self
    }

    /// Adds iPXE. It loads the next program twice: first to learn whether it is one, and then to
    /// start it (`efi_image_probe` and `efi_image_exec` in `src/image/efi_image.c` of iPXE). The
    /// firmware measures both.
    #[must_use]
    pub fn ipxe(mut self, program: &EfiProgram) -> Self {
        let digest = program.measured_digest();
        self.programs.push(Program { digest, loads_next: 2 });
        self
    }

    /// Sets the number of boot options that the firmware tried before and that loaded no program.
    /// The default is 0. The firmware measures each attempt (`OnReadyToBoot` in
    /// `SecurityPkg/Tcg/Tcg2Dxe/Tcg2Dxe.c` of EDK II).
    #[must_use]
    pub fn failed_attempts(mut self, count: u8) -> Self {
        self.failed_attempts = count;
        self
    }

    /// Sets the load options that the UKI gets, such as the arguments of an iPXE script. They
    /// begin with the name of the image in iPXE. The stub ignores them under Secure Boot.
    ///
    /// # Errors
    /// [`Error::Text`] for an empty, long or unprintable text.
    pub fn load_options(mut self, options: &str) -> Result<Self, Error> {
        self.load_options = Some(checked(options)?);
        Ok(self)
    }

    /// Adds kernel parameters from outside the UKI. Call it once for all addons together, and then
    /// once for the parameters in the SMBIOS tables
    /// (`io.systemd.stub.kernel-cmdline-extra`).
    ///
    /// # Errors
    /// [`Error::Text`] for an empty, long or unprintable text.
    pub fn command_line(mut self, line: &str) -> Result<Self, Error> {
        self.command_lines.push(checked(line)?);
        Ok(self)
    }

    /// The digests of all programs in the order in which they are measured, with the UKI.
    pub(crate) fn measured(&self, uki: Sha256Digest) -> Vec<Sha256Digest> {
        let (mut measured, mut loads) = (Vec::new(), 1);
        for program in &self.programs {
            measured.extend(std::iter::repeat_n(program.digest, loads));
            loads = program.loads_next;
        }
        measured.extend(std::iter::repeat_n(uki, loads));
        measured
    }
}

/// A program that is loaded before the UKI.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Program {
    digest: Sha256Digest,
    /// The number of times that it loads the next program.
    loads_next: usize,
}

/// Checks a text, and leaves out the spaces around it, as the stub does (`mangle_stub_cmdline` in
/// `src/boot/util.c` of systemd 257).
fn checked(line: &str) -> Result<String, Error> {
    text::check(".cmdline", line, false)?;
    if line.is_ascii() {
        Ok(line.trim_matches(' ').to_owned())
    } else {
        Err(Error::Text { section: ".cmdline", problem: "it is not ASCII" })
    }
}
