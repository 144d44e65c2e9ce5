//! The errors of this crate.

use std::path::PathBuf;

use netboot_core::{BackendError, ErrorClass, PointerName, ProfileName, ReleaseId, SiteName};

use crate::spelling::closest;

/// The number of releases that a message names.
const NAMED_RELEASES: usize = 10;

/// An error in the words of a command line or of `netboot.toml`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A text is not the location of a target.
    #[error("`{text}` is not a target: {problem}")]
    InvalidTarget {
        /// The text.
        text: String,
        /// The problem with it.
        problem: String,
        /// The remedy, if there is a better one than the list of forms.
        hint: Option<String>,
    },
    /// A name is not among the targets of the configuration.
    #[error("there is no target `{name}`{}", of_file(file.as_ref()))]
    UnknownTarget {
        /// The name.
        name: String,
        /// The configuration; `None` if there is no file.
        file: Option<PathBuf>,
        /// The names of the targets that it has.
        known: Vec<SiteName>,
    },
    /// The directory of a target does not exist.
    #[error("there is no directory `{}`", path.display())]
    NoSuchDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// The directory of a target is a file.
    #[error("`{}` is not a directory", path.display())]
    NotADirectory {
        /// The path.
        path: PathBuf,
    },
    /// A file that an option names cannot be used.
    #[error("the file of `{option}` cannot be used")]
    OptionFile {
        /// The option, with its dashes.
        option: &'static str,
        /// The remedy.
        hint: Option<String>,
        /// The cause, which names the file.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A target has no release and no pointer.
    #[error("nothing is published at `{target}`")]
    NothingPublished {
        /// The target, as it was written.
        target: String,
    },
    /// A pointer of a target makes no release live.
    #[error("no release is live at `{target}` by the pointer `{pointer}`")]
    NothingLive {
        /// The target, as it was written.
        target: String,
        /// The pointer.
        pointer: PointerName,
    },
    /// An image of a release has no SBOM.
    #[error("the image of `{profile}` in release {} has no SBOM", release.short())]
    NoSbom {
        /// The release.
        release: ReleaseId,
        /// The profile.
        profile: ProfileName,
    },
    /// A command that signs has no key to sign with.
    #[error("there is no key to sign with")]
    NoSigner,
    /// No release at a target has an id that begins like this.
    #[error("no release there has an id that begins with `{prefix}`")]
    NoSuchRelease {
        /// The first digits.
        prefix: String,
        /// The releases that are there.
        releases: Vec<ReleaseId>,
    },
    /// A release was live at a target, and its files are gone.
    #[error("release {} was pruned: it was live there, and its files are deleted", release.short())]
    PrunedRelease {
        /// The release.
        release: ReleaseId,
        /// The releases that are there.
        releases: Vec<ReleaseId>,
    },
    /// A directory has no image that can be published.
    #[error("the image `{}` cannot be published", path.display())]
    Image {
        /// The directory.
        path: PathBuf,
        /// The remedy.
        hint: Option<String>,
        /// The cause.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A target has releases, but not this pointer.
    #[error("there is no pointer `{pointer}` at `{target}`")]
    NoSuchPointer {
        /// The pointer.
        pointer: PointerName,
        /// The target.
        target: String,
    },
    /// Several releases have ids that begin like this.
    #[error("`{prefix}` begins the ids of several releases: {}", named(.candidates))]
    AmbiguousRelease {
        /// The first digits.
        prefix: String,
        /// The releases.
        candidates: Vec<ReleaseId>,
    },
    /// A target cannot be used.
    #[error("the target `{text}` cannot be used")]
    Target {
        /// The location.
        text: String,
        /// The cause.
        source: Box<netboot_publish::Error>,
    },
    /// The certificates of a bucket's server cannot be read.
    #[error("the certificates of `ca-certificate-file` cannot be read")]
    ReadCertificates {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: Box<netboot_core::Error>,
    },
    /// A text is not the pattern of the names of a flake's configurations.
    #[error("`{text}` is not a pattern of configurations")]
    InvalidPattern {
        /// The text.
        text: String,
    },
    /// The configuration cannot be read.
    #[error("the configuration `{}` cannot be read", file.display())]
    ReadConfiguration {
        /// The file.
        file: PathBuf,
        /// The cause.
        source: Box<netboot_core::Error>,
    },
    /// The configuration is not TOML, or a value has the wrong type.
    #[error("`{}` is not a configuration", file.display())]
    MalformedConfiguration {
        /// The file.
        file: PathBuf,
        /// The line and the cause.
        source: Box<toml::de::Error>,
    },
    /// The configuration has a key that does not exist.
    #[error("`{}`, line {line}: {} no key `{key}`", file.display(), has(table))]
    UnknownKey {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The table that has the key, such as `targets.osaka`; empty for the whole file.
        table: String,
        /// The key.
        key: String,
        /// The keys of the table.
        known: Vec<String>,
    },
    /// A value of the configuration has the right type, but cannot be used.
    #[error("`{}`: {key}: {problem}", file.display())]
    InvalidConfiguration {
        /// The file.
        file: PathBuf,
        /// The key, with the tables that it is in.
        key: String,
        /// The problem with the value.
        problem: String,
        /// The remedy.
        hint: Option<String>,
    },
}

fn of_file(file: Option<&PathBuf>) -> String {
    file.map(|file| format!(" in `{}`", file.display())).unwrap_or_default()
}

fn has(table: &str) -> String {
    if table.is_empty() { "there is".to_owned() } else { format!("`{table}` has") }
}

impl Error {
    /// The error of a path that should lead to a directory.
    #[cfg(feature = "program")]
    pub(crate) fn no_directory(path: &std::path::Path) -> Self {
        let path = path.to_owned();
        if path.exists() { Self::NotADirectory { path } } else { Self::NoSuchDirectory { path } }
    }

    /// The error of a file that `option` names.
    #[cfg(feature = "program")]
    pub(crate) fn of_option<E: BackendError>(option: &'static str) -> impl Fn(E) -> Self {
        move |source| Self::OptionFile { option, hint: source.hint(), source: Box::new(source) }
    }

    /// Returns true if the command line or `netboot.toml` is wrong, whatever else there is.
    #[cfg(feature = "program")]
    pub(crate) fn is_of_usage(&self) -> bool {
        use netboot_publish::Error::{InvalidRsyncTarget, InvalidSetting};
        match self {
            Self::Target { source, .. } => {
                matches!(**source, InvalidRsyncTarget { .. } | InvalidSetting { .. })
            }
            Self::InvalidTarget { .. }
            | Self::UnknownTarget { .. }
            | Self::NoSigner
            | Self::ReadCertificates { .. }
            | Self::InvalidPattern { .. }
            | Self::ReadConfiguration { .. }
            | Self::MalformedConfiguration { .. }
            | Self::UnknownKey { .. }
            | Self::InvalidConfiguration { .. } => true,
            _ => false,
        }
    }

    /// Returns a remedy, as a sentence for an operator.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::InvalidTarget { hint: Some(hint), .. }
            | Self::OptionFile { hint: Some(hint), .. } => hint.clone(),
            Self::OptionFile { hint: None, .. } => return None,
            Self::InvalidTarget { .. } => "write a directory, `s3://BUCKET/PREFIX`, \
                 `oci://HOST/REPOSITORY`, `USER@HOST:/PATH`, `rsync://HOST/MODULE/PATH`, or the \
                 name of a target in netboot.toml"
                .to_owned(),
            Self::UnknownTarget { name, known, .. } if known.is_empty() => format!(
                "write `./{name}` for a directory, or describe the target in `[targets]` of \
                 netboot.toml"
            ),
            Self::UnknownTarget { name, known, .. } => {
                let known: Vec<&str> = known.iter().map(SiteName::as_str).collect();
                format!(
                    "write one of {}, or `./{name}` for a directory of this machine",
                    known.join(", ")
                )
            }
            Self::NotADirectory { .. } => "correct the path, which leads to a file".to_owned(),
            Self::NoSuchDirectory { .. } => {
                "correct the path; a target that nobody published to has nothing to show".to_owned()
            }
            Self::NothingPublished { .. } => {
                "correct the target, or publish to it first".to_owned()
            }
            Self::NoSuchPointer { .. } => {
                "correct the name of `--pointer`, or leave it out; to make \
                 the pointer, activate a release with it"
                    .to_owned()
            }
            Self::NothingLive { .. } => "activate or publish a release first".to_owned(),
            Self::NoSigner => "name the file of the secret key: `--sign FILE`".to_owned(),
            Self::NoSuchRelease { releases, .. } | Self::PrunedRelease { releases, .. }
                if releases.is_empty() =>
            {
                "publish a release there first".to_owned()
            }
            Self::NoSuchRelease { releases, .. } | Self::PrunedRelease { releases, .. } => {
                format!("name one of the releases that are there: {}", named(releases))
            }
            Self::NoSbom { .. } => {
                "build the profile with `netboot build --sbom`, and publish it; a \
                 release never gets an SBOM later"
                    .to_owned()
            }
            Self::AmbiguousRelease { .. } => "give enough digits to tell them apart".to_owned(),
            Self::Target { source, .. } => return source.hint(),
            Self::ReadCertificates { source, .. } => return source.hint(),
            Self::InvalidPattern { .. } => "write the name of a NixOS configuration with \
                 `{profile}` once in the place of the profile's name, such as `netboot-{profile}`"
                .to_owned(),
            Self::ReadConfiguration { .. } => "correct the path of the configuration, and let \
                 this user read the file"
                .to_owned(),
            Self::MalformedConfiguration { .. } => "correct the line that is named above; \
                 docs/netboot-toml.md has each key with its type"
                .to_owned(),
            Self::UnknownKey { key, known, .. } => {
                let list = known.join(", ");
                match closest(key, known.iter().map(String::as_str)) {
                    Some(meant) => format!("did you mean `{meant}`? The keys are {list}"),
                    None => format!("remove it, or write one of the keys {list}"),
                }
            }
            Self::InvalidConfiguration { hint, .. } | Self::Image { hint, .. } => {
                return hint.clone();
            }
        })
    }
}

impl BackendError for Error {
    fn hint(&self) -> Option<String> {
        self.hint()
    }

    fn class(&self) -> ErrorClass {
        match self {
            Self::InvalidTarget { .. }
            | Self::UnknownTarget { .. }
            | Self::NoSuchDirectory { .. }
            | Self::NotADirectory { .. }
            | Self::OptionFile { .. }
            | Self::PrunedRelease { .. }
            | Self::Image { .. }
            | Self::NothingPublished { .. }
            | Self::NothingLive { .. }
            | Self::NoSbom { .. }
            | Self::NoSigner
            | Self::NoSuchRelease { .. }
            | Self::NoSuchPointer { .. }
            | Self::AmbiguousRelease { .. }
            | Self::InvalidPattern { .. }
            | Self::MalformedConfiguration { .. }
            | Self::UnknownKey { .. }
            | Self::InvalidConfiguration { .. } => ErrorClass::Input,
            Self::Target { source, .. } => source.class(),
            Self::ReadCertificates { source, .. } | Self::ReadConfiguration { source, .. } => {
                source.class()
            }
        }
    }
}

/// Names releases by as many digits as tell them apart, and at least by those that messages print.
fn named(releases: &[ReleaseId]) -> String {
    let mut ids: Vec<String> = releases.iter().map(ToString::to_string).collect();
    ids.sort_unstable();
    let alike = |pair: &[String]| {
        pair[0].bytes().zip(pair[1].bytes()).take_while(|(one, other)| one == other).count()
    };
    let shown = releases.iter().map(|release| release.short().len());
    let digits = ids.windows(2).map(|pair| alike(pair) + 1).chain(shown).max().unwrap_or_default();
    let cut = ids.iter().take(NAMED_RELEASES).map(|id| id.get(..digits).unwrap_or(id).to_owned());
    let more = ids.len().saturating_sub(NAMED_RELEASES);
    let more = (more > 0).then(|| format!("and {more} more"));
    cut.chain(more).collect::<Vec<_>>().join(", ")
}
