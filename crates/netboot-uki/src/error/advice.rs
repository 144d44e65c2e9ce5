//! The hints and the classes of errors.

use std::io::ErrorKind;
use std::path::Path;

use netboot_core::{Architecture, BackendError, ErrorClass, RefusedAccess};
use rustix::process::geteuid;

use crate::error::{Error, SignatureProblem};
use crate::pe::problem::PeProblem;

impl BackendError for Error {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Core(error) => return error.hint(),
            Self::Io { action, path, source } => match source.kind() {
                ErrorKind::AlreadyExists => {
                    let path = quoted(path);
                    return Some(format!("remove {path}, or write into another directory"));
                }
                ErrorKind::PermissionDenied => {
                    return Some(RefusedAccess::of(action, path).to_string());
                }
                ErrorKind::StorageFull => "make room on the file system",
                ErrorKind::NotFound => "check the path, and create the directory",
                _ => return None,
            },
            Self::Program { problem, .. } => program_hint(problem),
            Self::TooLarge => {
                "make the image smaller, or let its machines fetch the closure by themselves"
            }
            Self::Stub { .. } => {
                "take the unsigned stub of systemd's package: `linuxx64.efi.stub` or \
                 `linuxaa64.efi.stub` for a UKI, and `addonx64.efi.stub` or `addonaa64.efi.stub` \
                 for an addon"
            }
            Self::NoStub { architecture, .. } => return Some(stub_hint(*architecture)),
            Self::NoClosureSource { .. } => {
                "give the `http://` URL that serves the target with `UkiSettings::closure_source`, \
                 or as the parameter `netboot.from=` of the configuration: with Secure Boot, no \
                 boot loader can add it later"
            }
            Self::ClosureSource { .. } => {
                "give the `http://` URL of a directory, without a password and without a query: \
                 stage 1 checks every byte by its digest, so the connection needs no encryption"
            }
            Self::BootParameter { source, .. } => return source.hint(),
            Self::OtherImage { .. } => {
                "remove the UKI, and make it again from this image: a machine with Secure Boot \
                 would start something else than a machine without it"
            }
            Self::Text { .. } => {
                "give at most 64 KiB of text without control characters, on one line unless it is \
                 os-release, and at most 2047 bytes of kernel parameters"
            }
            Self::Certificate { .. } => {
                "give a certificate in PEM or DER with an RSA key of 2048 to 8192 bits, such as \
                 `openssl req -x509 -newkey rsa:2048 -nodes` makes"
            }
            Self::Chain { .. } => {
                "give at most 8 certificates, from the issuer of the signer's certificate up to a \
                 trusted one, each before its own issuer"
            }
            Self::Key { .. } => {
                "give the RSA key in PEM that belongs to the certificate; compare `openssl pkey \
                 -pubout` of the key with `openssl x509 -pubkey -noout` of the certificate"
            }
            Self::LockedKey { .. } => {
                "sign with a command that knows the passphrase, such as `openssl pkeyutl -sign`, \
                 or give a key without one"
            }
            Self::ExposedKey { path } => {
                return Some(format!("run `chmod 600 {}`", quoted(path)));
            }
            Self::ForeignKey { path } => {
                let user = geteuid().as_raw();
                return Some(format!("run `chown {user} {}` as root", quoted(path)));
            }
            Self::WrongSignature { .. } => {
                "check that the signer uses the key of the certificate, signs by RSA with PKCS #1 \
                 v1.5 and SHA-256, and gets the message, the digest or DigestInfo as it expects it"
            }
            Self::StartCommand { source } => return source.hint(),
            Self::Command { .. } => "read the command's last lines above, then run it by hand",
            Self::Untrusted { problem, .. } => signature_hint(*problem),
            Self::PlatformKeys { .. } => "give the certificate of the one platform key",
            Self::Time => "set the clock of this machine, or give another time",
            Self::Encode { .. } => return None,
        };
        Some(hint.to_owned())
    }

    fn class(&self) -> ErrorClass {
        match self {
            Self::Core(error) => error.class(),
            Self::Io { source, .. } => ErrorClass::of_io(source),
            Self::Program { problem: PeProblem::Changed, .. } => ErrorClass::Conflict,
            Self::Program { .. }
            | Self::Stub { .. }
            | Self::TooLarge
            | Self::Text { .. }
            | Self::NoStub { .. }
            | Self::NoClosureSource { .. }
            | Self::ClosureSource { .. }
            | Self::BootParameter { .. }
            | Self::Certificate { .. }
            | Self::Chain { .. }
            | Self::Key { .. }
            | Self::LockedKey { .. }
            | Self::ExposedKey { .. }
            | Self::ForeignKey { .. }
            | Self::WrongSignature { .. }
            | Self::PlatformKeys { .. }
            | Self::Time => ErrorClass::Input,
            Self::StartCommand { source: netboot_process::Error::TimedOut { .. } } => {
                ErrorClass::TimedOut
            }
            Self::StartCommand { .. } => ErrorClass::Equipment,
            Self::Untrusted { .. } | Self::OtherImage { .. } => ErrorClass::Damaged,
            Self::Command { .. } | Self::Encode { .. } => ErrorClass::Failed,
        }
    }
}

/// Quotes a path for a shell.
fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    let is_plain = |it: char| it.is_ascii_alphanumeric() || "/._-+".contains(it);
    if path.chars().all(is_plain) { path } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

fn stub_hint(architecture: Architecture) -> String {
    let file = match architecture {
        Architecture::X86_64 => "`linuxx64.efi.stub`",
        Architecture::Aarch64 => "`linuxaa64.efi.stub`",
        _ => return "make no UKI: UKIs are for x86_64 and aarch64 only".to_owned(),
    };
    format!(
        "give {file} of systemd's package with `UkiSettings::stub`, or let the builder take it \
         from the configuration"
    )
}

fn program_hint(problem: &PeProblem) -> &'static str {
    match problem {
        PeProblem::Changed => "leave the file alone while it is read, and try again",
        PeProblem::Kernel { .. } => {
            "give a kernel that is an EFI program for the processor of the stub: a bzImage, or an \
             uncompressed Image with CONFIG_EFI_STUB"
        }
        PeProblem::MissingSection { .. }
        | PeProblem::DuplicateSection { .. }
        | PeProblem::NoMemorySize { .. } => {
            "give a UKI of one profile, as this library or ukify makes it"
        }
        PeProblem::UnknownStub { .. } => "make the UKI with the stub of systemd 257 or later",
        PeProblem::ChosenByMachine { .. } => {
            "make the UKI without device trees and firmware for several kinds of machines"
        }
        PeProblem::LargerInMemory { .. } => "make the UKI again with this library or ukify",
        PeProblem::AmbiguousKernel => {
            "predict a boot under Secure Boot, where the firmware does not measure the kernel, or \
             make the UKI with the stub of systemd 258 or later"
        }
        _ => "build or fetch the file again; if it is whole, link it without gaps between sections",
    }
}

fn signature_hint(problem: SignatureProblem) -> &'static str {
    match problem {
        SignatureProblem::Unsigned => "sign the program first",
        SignatureProblem::Untrusted => {
            "give the certificate of the key that signed it, or sign it with a trusted key"
        }
        _ => "build or fetch the file again, and sign it by RSA with SHA-256",
    }
}
