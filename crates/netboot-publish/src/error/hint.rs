//! What to do about each error.

use std::io;

use crate::error::Error;
use crate::finding::damaged;

impl Error {
    /// What to do about it, as a sentence for an operator.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoSuchDirectory { path } => {
                format!("check the spelling, mount it, or create it: `mkdir -p {}`", path.display())
            }
            Self::NotADirectory { path } => {
                format!("move `{}` away, or publish to another directory", path.display())
            }
            Self::PermissionDenied { path, .. } => {
                format!("give this user write access to `{}`", path.display())
            }
            Self::ReadOnly { .. } => {
                "mount it writable, or publish to another place; nothing was changed".to_owned()
            }
            Self::StorageFull { .. } => {
                "free space or prune old releases, then publish again; what is live was not \
                 touched, and what was sent is not sent again"
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
            Self::Io { .. } => "the operating system's message says why".to_owned(),
            Self::Store { hint, .. } | Self::Signer { hint, .. } | Self::Prover { hint, .. } => {
                return hint.clone();
            }
            Self::TooLarge { path, .. } => {
                format!("move `{path}` away: it is none that netboot wrote")
            }
            Self::LinksUnsupported { .. } => {
                "publish without the links of the old layout, and let boot scripts name \
                 `<profile>/netboot.ipxe`"
                    .to_owned()
            }
            #[cfg(feature = "rsync")]
            Self::InvalidRsyncTarget { .. } => {
                "write `user@host:path` or `rsync://user@host:port/module/path`, with letters, \
                 digits, `.`, `_` and `-`; paths may also have spaces and `/+@,:=%`"
                    .to_owned()
            }
            #[cfg(feature = "rsync")]
            Self::InvalidRsyncSetting { setting, .. } => {
                format!("correct `{setting}` where the store is built")
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
            #[cfg(feature = "s3")]
            Self::InvalidSetting { setting, .. } => {
                format!("set the {setting} anew; nothing was sent")
            }
            _ => return self.release_hint(),
        })
    }

    /// Of what concerns releases and their publishers, rather than the place that they go to.
    fn release_hint(&self) -> Option<String> {
        Some(match self {
            Self::ForeignFile { path, .. } => format!(
                "move `{path}` away, publish to another place, or let the publisher replace \
                 files of others (`with_replace_foreign`, `build-images --replace-foreign`)"
            ),
            Self::Conflict { .. } => {
                "both releases are staged and whole: look at what is live now, and activate or \
                 publish again if yours is still wanted"
                    .to_owned()
            }
            Self::NotStaged { .. } => "stage or publish the release first".to_owned(),
            Self::NotWhole { findings, .. } if !damaged(findings).is_empty() => {
                "mend it with `repair`, which sends again what has other bytes".to_owned()
            }
            Self::NotWhole { .. } => {
                "publish the release again: only what is missing is sent".to_owned()
            }
            Self::NothingToRollBackTo { .. } => {
                "name a release that is still at the target, or publish one".to_owned()
            }
            Self::DigestMismatch { .. } => {
                "the artifact changed after it was hashed, or its implementation announces other \
                 bytes than it gives; build and publish again"
                    .to_owned()
            }
            Self::MalformedPointer { path, .. } => format!(
                "it was edited by hand: restore `{path}`, or delete it and activate the release \
                 that is to be live"
            ),
            Self::MalformedManifest { source, .. } => return source.hint(),
            Self::NotProven { failures, .. } => {
                let mut hints = failures.values().filter_map(|failure| failure.hint.as_deref());
                let hint = hints.next().unwrap_or("read on the console why it did not come up");
                format!("{hint}; the release stays staged, and the live one was not touched")
            }
            Self::NothingToProve { .. } => {
                "let the prover try a profile that the release has, or activate it unproven"
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
                "see that the web server runs, that its name has an address, and that its \
                 certificate is trusted here"
                    .to_owned()
            }
            Self::NoSites => "name at least one site".to_owned(),
            Self::DuplicateSite { site } => format!("give one of the two `{site}` another name"),
            Self::TimedOut { .. } => {
                "see whether the target can be reached, allow more time, and publish again: what \
                 was sent is not sent again"
                    .to_owned()
            }
            Self::NotLiveEverywhere { report } | Self::NotStagedEverywhere { report } => {
                return report.hint();
            }
            Self::Signature { problem, .. } => problem.hint().to_owned(),
            Self::MalformedKey { .. } => {
                "give a key as `minisign -G` makes it, and with a protected secret key its password"
                    .to_owned()
            }
            Self::LockLost => {
                "do it again; where it recurs, see why the target does not answer for so long, or \
                 give the lock a longer lease"
                    .to_owned()
            }
            Self::KeyLocked => "give the password that the key was made with".to_owned(),
            Self::Artifact { source } => return source.hint(),
            _ => return None,
        })
    }
}

impl netboot_core::BackendError for Error {
    fn hint(&self) -> Option<String> {
        Self::hint(self)
    }
}
