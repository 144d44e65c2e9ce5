//! Names of things: profiles, services, pointers, titles, files.

use std::borrow::Borrow;

use serde::{Deserialize, Serialize};

use crate::text::{TextProblem, ValueKind, check, check_name, validated_text};

/// Names a profile: a directory of a release, a label of a script, a part of a flake attribute.
///
/// The rule is narrow on purpose, so that the name needs no escaping in any of these places.
/// `releases` and `blobs` are reserved: they are directories of the published layout.
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

validated_text!(ProfileName, ValueKind::ProfileName, |text: &str| {
    if ["releases", "blobs"].contains(&text) {
        return Err(TextProblem::Reserved);
    }
    check_name(text)
});

impl Borrow<str> for ProfileName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// Names a service that a profile brings, such as `chainfire`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServiceName(String);

validated_text!(ServiceName, ValueKind::ServiceName, check_name);

/// Names a pointer, the one object of a target that changes: `current` by default.
///
/// A second pointer, such as `canary`, is a channel of its own. `boot` is reserved, since
/// `boot.ipxe` is a static entry point.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PointerName(String);

validated_text!(PointerName, ValueKind::PointerName, |text: &str| {
    if text == "boot" {
        return Err(TextProblem::Reserved);
    }
    check_name(text)
});

impl Default for PointerName {
    fn default() -> Self {
        Self("current".to_owned())
    }
}

/// Names one of several places that a release is published to, such as `tokyo`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SiteName(String);

validated_text!(SiteName, ValueKind::SiteName, check_name);

/// What a person reads of a profile, in a menu for example: 1 to 100 characters of one line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Title(String);

validated_text!(Title, ValueKind::Title, |text: &str| {
    // 100 characters of up to four bytes: count characters, but let `check` find bad ones.
    check(text, 400, |c| !c.is_control())?;
    match text.chars().count() {
        count if count > 100 => Err(TextProblem::TooLong { length: count, limit: 100 }),
        _ => Ok(()),
    }
});

impl From<&ProfileName> for Title {
    fn from(name: &ProfileName) -> Self {
        Self(name.as_str().to_owned())
    }
}

/// The name of one file, with no directory: safe in a URL, in a script and in a file system.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FileName(String);

validated_text!(FileName, ValueKind::FileName, check_file_name);

pub(crate) fn check_file_name(text: &str) -> Result<(), TextProblem> {
    check(text, 128, |c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))?;
    match text.chars().next() {
        Some(character) if !character.is_ascii_alphanumeric() => {
            Err(TextProblem::BadEdge { character })
        }
        _ => Ok(()),
    }
}
