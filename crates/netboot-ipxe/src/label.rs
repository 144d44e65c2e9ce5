use std::fmt;

use netboot_core::ProfileName;
use serde::Serialize;

/// A label that a script jumps to, and the name of a menu's item.
///
/// It begins with a prefix of ours, so that no profile's name can hide a label of a template.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Label(String);

impl Label {
    /// The label of a profile: `profile-<name>`.
    pub fn of_profile(profile: &ProfileName) -> Self {
        Self(format!("profile-{profile}"))
    }

    /// The label.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
