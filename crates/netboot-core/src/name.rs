//! Names of profiles, services, pointers, sites and files, and titles.

use std::borrow::Borrow;

use serde::{Deserialize, Serialize};

use crate::digest::Sha256Digest;
use crate::invalid_value::{InvalidValue, TextProblem, ValueKind, check};
use crate::validated_text::validated_text;

/// The directory of the releases at a target. No profile has this name, because a profile's files
/// are in a directory beside it.
pub(crate) const RELEASES: &str = "releases";
/// The directory of the blobs at a target, a reserved name like [`RELEASES`].
pub(crate) const BLOBS: &str = "blobs";

/// The name of a profile.
///
/// A profile's name is also the name of a directory in a release, a label in a script, and a part
/// of a flake attribute. The rule is narrow so that the name needs no escaping in any of these
/// places. `releases` and `blobs` are reserved, because they are directories of the published
/// layout.
///
/// ```
/// use netboot_core::ProfileName;
///
/// let name: ProfileName = "control-plane".parse()?;
/// assert_eq!(name.as_str(), "control-plane");
/// assert!(ProfileName::new("../etc").is_err());
/// # Ok::<(), netboot_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProfileName(String);

validated_text!(
    ProfileName,
    InvalidValue,
    ValueKind::ProfileName.validated_by(|text| {
        if [RELEASES, BLOBS].contains(&text) {
            return Err(TextProblem::Reserved);
        }
        check_name(text)
    })
);

impl Borrow<str> for ProfileName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// The name of a service that a profile provides, such as `chainfire`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServiceName(String);

validated_text!(ServiceName, InvalidValue, ValueKind::ServiceName.validated_by(check_name));

/// The name of a pointer, the only object of a target that changes; `current` by default.
///
/// Each further pointer, such as `canary`, is a separate channel. `boot` and `autoexec` are
/// reserved, because `boot.ipxe` and `autoexec.ipxe` are static entry points.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PointerName(String);

validated_text!(
    PointerName,
    InvalidValue,
    ValueKind::PointerName.validated_by(|text| {
        if ["boot", "autoexec"].contains(&text) {
            return Err(TextProblem::Reserved);
        }
        check_name(text)
    })
);

impl Default for PointerName {
    fn default() -> Self {
        Self("current".to_owned())
    }
}

/// The name of one of several places that a release is published to, such as `tokyo`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SiteName(String);

validated_text!(SiteName, InvalidValue, ValueKind::SiteName.validated_by(check_name));

/// The rule of profile, service and pointer names.
pub(crate) fn check_name(text: &str) -> Result<(), TextProblem> {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    check(text, 63, inner)?;
    let edges = [text.chars().next(), text.chars().next_back()];
    match edges.into_iter().flatten().find(|c| !c.is_ascii_alphanumeric()) {
        Some(character) => Err(TextProblem::BadEdge { character }),
        None => Ok(()),
    }
}

/// The title that a menu shows for a profile: 1 to 100 characters on one line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Title(String);

validated_text!(
    Title,
    InvalidValue,
    ValueKind::Title.validated_by(|text| {
        // 100 characters of up to four bytes each.
        check(text, 400, |c| !c.is_control())?;
        match text.chars().count() {
            count if count > 100 => Err(TextProblem::TooLong { length: count, limit: 100 }),
            _ => Ok(()),
        }
    })
);

impl From<&ProfileName> for Title {
    fn from(name: &ProfileName) -> Self {
        Self(name.as_str().to_owned())
    }
}

/// The name of a file without a directory. It is safe in a URL, in a script and in a file system.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FileName(String);

validated_text!(FileName, InvalidValue, ValueKind::FileName.validated_by(check_file_name));

/// A digest's text is the name of the blob with this digest.
impl From<&Sha256Digest> for FileName {
    fn from(digest: &Sha256Digest) -> Self {
        Self(digest.to_string())
    }
}

pub(crate) fn check_file_name(text: &str) -> Result<(), TextProblem> {
    check(text, 128, |c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))?;
    match text.chars().next() {
        Some(character) if !character.is_ascii_alphanumeric() => {
            Err(TextProblem::BadEdge { character })
        }
        _ => Ok(()),
    }
}
