//! The hints of this crate's errors.

use std::io;
use std::path::Path;

use crate::backend_error::BackendError;
use crate::error::Error;
use crate::error_class::ErrorClass;
use crate::name::ProfileName;
use crate::refused_access::RefusedAccess;
use crate::secret_scan::SecretFinding;

impl Error {
    /// Returns a remedy, as a sentence for an operator.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::InvalidValue(error) => error.kind.rule().to_owned(),
            Self::Io { action, source, path } => io_hint(action, source, path),
            Self::NotAFile { .. } => "give the path of a file, not of a directory".to_owned(),
            Self::FileTooLarge { .. } => "check that the path names the right file".to_owned(),
            Self::SymbolicLink { path } => format!(
                "find out who made the link, and replace `{}` by what should be there",
                path.display()
            ),
            Self::NoAnswer { path, .. } => format!(
                "check the disk or the network server that stores `{}`, and try again",
                path.display()
            ),
            Self::EmptyArtifact { .. } => {
                "build or copy the file again: the last attempt did not finish".to_owned()
            }
            Self::ArtifactChanged { .. } => {
                "publish only after the build has finished, and build into a new file instead of \
                 overwriting the old one"
                    .to_owned()
            }
            Self::NotAKernel { architecture, .. } => format!(
                "give the file that NixOS calls {}; a download may have saved a web server's error \
                 page under that name",
                architecture.kernel_file_name()
            ),
            Self::DamagedInitrd { .. } => {
                "build or copy the initrd again, and compare its size and SHA-256 digest with the \
                 original: the file was truncated or altered"
                    .to_owned()
            }
            Self::UnbootableInitrd { format, .. } => format.hint().to_owned(),
            Self::KernelTooOld { .. } => {
                "compress the initrd with `xz --check=crc32` and no filter, or take Linux 6.12 or \
                 later"
                    .to_owned()
            }
            Self::InitMissing { .. } => {
                "take the initrd and `init=` from the same build; if the initrd gets the system \
                 from elsewhere, such as NFS, HTTP or a disk, give the profile the payload `external`"
                    .to_owned()
            }
            Self::FirstProgram { .. } => {
                "give NixOS's own initrd too: `initrd` in the result of \
                 `config.system.build.netbootRamdisk`; make a program of yours executable before \
                 you pack it, or correct `rdinit=`"
                    .to_owned()
            }
            Self::IncompleteImage { missing, .. } => format!("add the {missing} to the image"),
            Self::WrongArtifactKind { expected, .. } => {
                format!("open the file with the kind `{expected}`, or add it as another part of the image")
            }
            Self::Duplicate { .. } => "use a different name for each".to_owned(),
            Self::EmptyRelease => {
                "build at least one profile; if every build failed, correct the errors of the builds".to_owned()
            }
            Self::MissingScript { path } => {
                format!("render the release with netboot-ipxe, or add the script `{path}` yourself")
            }
            Self::UnmarkedEntryPoint { mark, .. } => {
                format!("make the renderer write the comment `{mark}` into the file")
            }
            Self::NotAProgram { .. } => "give a program for UEFI, such as iPXE's `ipxe.efi`".into(),
            Self::ReservedPath { .. } | Self::FileAboveFile { .. } => {
                "give the file another path".to_owned()
            }
            Self::ReleaseTooLarge { .. } => {
                "divide the images or machines among several targets".to_owned()
            }
            Self::MalformedManifest { .. }
            | Self::ManifestMismatch { .. }
            | Self::OtherManifest { .. }
            | Self::ManifestForm
            | Self::UnlistedPayload { .. }
            | Self::ContradictorySizes { .. } => {
                "publish the release again: the manifest was altered after it was written".to_owned()
            }
            Self::ManifestVersion { .. } => {
                "publish to an empty place, or use the version of Netboot that wrote the manifest"
                    .to_owned()
            }
            Self::MalformedProfileFile { .. } => {
                "write a TOML file with a `[[profiles]]` table and at least a `name` for each profile"
                    .to_owned()
            }
            Self::UnknownProfile { known, .. } => {
                let known: Vec<&str> = known.iter().map(ProfileName::as_str).collect();
                format!("add an image for it to the builder, which has: {}", known.join(", "))
            }
            Self::UnrecognisedImage { .. } => {
                "give a directory with one kernel, one initrd, and either the files `init` and \
                 `kernel-params` or a `netboot.ipxe` that contains `init=`; unpack an archive first"
                    .to_owned()
            }
            Self::UnexpectedDigest { .. } => {
                "download the file again; if the digest is the same, it is a different file"
                    .to_owned()
            }
            Self::InvalidPattern { .. } => {
                "write a glob such as `/nix/store/*-name/**` or a regular expression; an exception also \
                 needs the name of its rule and a reason"
                    .to_owned()
            }
            Self::SecretsFound { findings, .. } => {
                let mut hints = Vec::new();
                for hint in findings.iter().map(SecretFinding::hint) {
                    if !hints.contains(&hint) {
                        hints.push(hint);
                    }
                }
                hints.join("; ")
            }
            Self::Build { advice, .. } | Self::Listing { advice, .. } => return advice.hint.clone(),
            Self::Cancelled => return None,
        })
    }
}

fn io_hint(action: &str, source: &io::Error, path: &Path) -> String {
    if source.kind() == io::ErrorKind::PermissionDenied {
        return RefusedAccess::of(action, path).to_string();
    }
    let path = path.display();
    match source.kind() {
        io::ErrorKind::NotFound => {
            format!("check the spelling of the path: `{path}` does not exist")
        }
        io::ErrorKind::NotADirectory => {
            format!("correct the path: a part of `{path}` is a file, and not a directory")
        }
        io::ErrorKind::StorageFull => format!("free space on the file system of `{path}`"),
        io::ErrorKind::ReadOnlyFilesystem => {
            format!("mount the file system of `{path}` as writable, or use another directory")
        }
        io::ErrorKind::InvalidData => format!("save `{path}` as UTF-8 text"),
        _ => {
            format!("try again; if the error stays, check the disk or server that stores `{path}`")
        }
    }
}

impl BackendError for Error {
    fn hint(&self) -> Option<String> {
        Self::hint(self)
    }

    fn class(&self) -> ErrorClass {
        Self::class(self)
    }
}
