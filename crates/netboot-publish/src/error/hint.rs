//! The hint of each error.

use std::borrow::Cow;
use std::io;
use std::path::Path;

use netboot_core::RefusedAccess;

use crate::error::Error;
use crate::error::constructors::{NoInode, READ_FROM, WRITE_TO};
use crate::finding::damaged;

impl Error {
    /// Tells an operator what to do about the error, in a sentence.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoSuchDirectory { path } => {
                format!("check the spelling, mount it, or create it: `mkdir -p {}`", word(path))
            }
            Self::NotADirectory { path } => {
                format!("correct the path, or move `{}` away", path.display())
            }
            Self::PermissionDenied { action: WRITE_TO, path, .. } => {
                format!(
                    "give this user write access to `{}` and to everything in it",
                    path.display()
                )
            }
            Self::PermissionDenied { action: READ_FROM, path, .. } => {
                format!("let this user read `{}` and everything in it", path.display())
            }
            Self::PermissionDenied { action, path, .. } => {
                RefusedAccess::of(action, path).to_string()
            }
            Self::ReadOnly { .. } => {
                "mount it writable, or publish to another place; nothing was changed".to_owned()
            }
            Self::StorageFull { source, path }
                if source
                    .get_ref()
                    .is_some_and(<dyn std::error::Error + Send + Sync>::is::<NoInode>) =>
            {
                format!(
                    "delete files that nobody needs or prune old releases, then publish again: \
                     `df -i` shows that the file system of `{}` has no inode left",
                    path.display()
                )
            }
            Self::StorageFull { .. } => {
                "free space or prune old releases, then publish again; the live release was not \
                 touched, and files that arrived are not sent again"
                    .to_owned()
            }
            Self::Io { source, path, .. } if source.kind() == io::ErrorKind::NotFound => {
                format!("`{}` vanished; publish again", path.display())
            }
            Self::Io { source, .. } if source.kind() == io::ErrorKind::CrossesDevices => {
                "let `blobs`, `releases` and the profiles' directories lie in one file system \
                 with the directory that is published to"
                    .to_owned()
            }
            Self::Io { .. } => "read the operating system's message, which says why".to_owned(),
            Self::Store { advice, .. }
            | Self::Signer { advice, .. }
            | Self::Prover { advice, .. } => return advice.hint.clone(),
            Self::TooLarge { path, .. } => {
                format!("move `{path}` away: netboot does not write files of that size")
            }
            Self::LinksUnsupported { .. } => {
                "publish without the links of the old layout, and use `<profile>/netboot.ipxe` in \
                 boot scripts"
                    .to_owned()
            }
            #[cfg(feature = "rsync")]
            Self::InvalidRsyncTarget { .. } => {
                "write `user@host:path` or `rsync://user@host:port/module/path`, with letters, \
                 digits, `.`, `_` and `-`; paths may also have spaces and `/+@,:=%`"
                    .to_owned()
            }
            #[cfg(feature = "rsync")]
            Self::RsyncTooOld { .. } => {
                "install rsync 3.1 or later, or 3.2.4 or later where the target's path has spaces"
                    .to_owned()
            }
            #[cfg(feature = "rsync")]
            Self::Rsync { source } => source.hint(),
            #[cfg(feature = "s3")]
            Self::S3 { failure, .. } => failure.hint(),
            #[cfg(feature = "oci")]
            Self::Oci(error) => error.failure.hint(),
            #[cfg(any(feature = "oci", feature = "rsync", feature = "s3"))]
            Self::InvalidSetting { setting, .. } => {
                format!("correct the {setting}; nothing was sent")
            }
            _ => return self.release_hint(),
        })
    }

    /// The hints of errors that concern releases and publishers, not the target itself.
    fn release_hint(&self) -> Option<String> {
        Some(match self {
            Self::ForeignFile { path, .. } => format!(
                "move `{path}` away, publish to another place, or let the publisher replace \
                 files of others (`with_replace_foreign`, `netboot build --replace-foreign`)"
            ),
            Self::StaleListing { .. } => {
                "wait until the target's listings are up to date, and prune again; nothing was \
                 deleted"
                    .to_owned()
            }
            Self::Conflict { .. } => {
                "look at what is live now; if yours is still wanted, publish it again over that \
                 release: what arrived is not sent again"
                    .to_owned()
            }
            Self::NotStaged { .. } => "stage or publish the release first".to_owned(),
            Self::NotWhole { findings, .. } if !damaged(findings).is_empty() => {
                "run `repair`, which sends the damaged files again".to_owned()
            }
            Self::NotWhole { .. } => {
                "publish the release again: only what is missing is sent".to_owned()
            }
            Self::NothingToRollBackTo { .. } | Self::DifferentEarlierReleases { .. } => {
                "name a release that is still at the target, or publish one".to_owned()
            }
            Self::DigestMismatch { .. } => {
                "the artifact changed after it was hashed, or its implementation announces other \
                 bytes than it gives; build and publish again"
                    .to_owned()
            }
            Self::MalformedPointer { path, .. } => format!(
                "somebody edited it: restore `{path}`, or delete it and activate the release that \
                 should be live"
            ),
            Self::MalformedManifest { source, .. } => return source.hint(),
            Self::NotProven { failures, .. } => {
                let mut hints = failures.values().filter_map(|failure| failure.hint.as_deref());
                let hint = hints.next().unwrap_or("read the console to see why it did not come up");
                format!("{hint}; the release stays staged, and the live one was not touched")
            }
            Self::NothingToProve { .. } => {
                "let the prover try a profile of this release, or activate the release unproven"
                    .to_owned()
            }
            #[cfg(feature = "http")]
            Self::InvalidPublicUrl { .. } => {
                "give the URL of the target's root, as machines reach it: \
                 http://boot.example.net/netboot/"
                    .to_owned()
            }
            #[cfg(feature = "http")]
            Self::PublicUrl { .. } => {
                "check that the web server runs, that its name has an address, and that this \
                 machine trusts its certificate"
                    .to_owned()
            }
            Self::NoSites => "name at least one target".to_owned(),
            Self::DuplicateSite { site } => format!("give one of the two `{site}` another name"),
            Self::TimedOut { .. } => {
                "check that the target can be reached, look at what is live there, allow more time, \
                 and publish again: files that arrived are not sent again"
                    .to_owned()
            }
            Self::NotLiveEverywhere(report) | Self::NotStagedEverywhere(report) => {
                return report.hint();
            }
            Self::ClosureIndex { .. } => {
                "build the image again, and publish it without the binary cache until then"
                    .to_owned()
            }
            Self::LockLost => {
                "try again; if it happens again, find out why the target answers so slowly, or \
                 give the lock a longer lease"
                    .to_owned()
            }
            Self::Target(netboot_core::Error::NotAFile { path }) => {
                format!("find out who put it there, and move `{}` away", path.display())
            }
            Self::InvalidValue(error) => error.kind.rule().to_owned(),
            Self::Artifact(source) | Self::Target(source) => return source.hint(),
            _ => return self.key_hint(),
        })
    }

    /// The hints of errors that concern keys and signatures.
    fn key_hint(&self) -> Option<String> {
        Some(match self {
            Self::UntrustedPointer { problem, .. } => problem.hint().to_owned(),
            Self::NoPointerSigner { .. } => {
                "give the publisher a signer with a trusted key (`with_signer`), or trust the key \
                 of its signer (`with_trusted_keys`)"
                    .to_owned()
            }
            Self::LessProtection { loss, .. } => loss.hint().to_owned(),
            Self::Signature { problem, .. } => problem.hint().to_owned(),
            Self::MalformedKey { which: "public", .. } => {
                "give a public key that `minisign -G` made: the second line of its file `.pub`, or \
                 the file itself where a file is asked for"
                    .to_owned()
            }
            Self::MalformedKey { .. } => {
                "give a key file that `minisign -G` made, and the password if the secret key has \
                 one"
                .to_owned()
            }
            Self::InvalidTrustedKeys { .. } => {
                "name each key once, and require at least one and at most all of them to sign"
                    .to_owned()
            }
            Self::KeyLocked => "give the password that the key was made with".to_owned(),
            _ => return None,
        })
    }
}

impl netboot_core::BackendError for Error {
    fn hint(&self) -> Option<String> {
        Self::hint(self)
    }

    fn class(&self) -> netboot_core::ErrorClass {
        Self::class(self)
    }
}

/// A path as a word of a shell's command line.
fn word(path: &Path) -> String {
    let path = path.display().to_string();
    shlex::try_quote(&path).map_or_else(|_| path.clone(), Cow::into_owned)
}
