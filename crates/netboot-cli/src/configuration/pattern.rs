//! The pattern of the names of a flake's configurations.

use std::fmt;
use std::str::FromStr;

use netboot_core::ProfileName;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// The part of a pattern that stands for the name of a profile.
const PLACE: &str = "{profile}";

/// The name of a profile's NixOS configuration: a text with `{profile}` in it.
///
/// ```
/// use netboot_cli::configuration::ConfigurationPattern;
///
/// let pattern: ConfigurationPattern = "live-{profile}".parse()?;
/// assert_eq!(pattern.attribute(&"worker".parse()?), "live-worker");
/// assert_eq!(pattern.profile("live-worker"), Some("worker".parse()?));
/// assert_eq!(pattern.profile("netboot-worker"), None);
/// assert_eq!(ConfigurationPattern::default().to_string(), "netboot-{profile}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ConfigurationPattern {
    before: String,
    after: String,
}

impl ConfigurationPattern {
    /// The name of the profile's configuration.
    pub fn attribute(&self, profile: &ProfileName) -> String {
        format!("{}{profile}{}", self.before, self.after)
    }

    /// The profile whose configuration has this name; `None` if no profile has.
    pub fn profile(&self, attribute: &str) -> Option<ProfileName> {
        let name = attribute.strip_prefix(&*self.before)?.strip_suffix(&*self.after)?;
        ProfileName::new(name).ok()
    }
}

impl Default for ConfigurationPattern {
    fn default() -> Self {
        Self { before: "netboot-".to_owned(), after: String::new() }
    }
}

impl FromStr for ConfigurationPattern {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text.split_once(PLACE) {
            Some((before, after)) if !after.contains(PLACE) => {
                Ok(Self { before: before.to_owned(), after: after.to_owned() })
            }
            _ => Err(Error::InvalidPattern { text: text.to_owned() }),
        }
    }
}

impl TryFrom<String> for ConfigurationPattern {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<ConfigurationPattern> for String {
    fn from(pattern: ConfigurationPattern) -> Self {
        pattern.to_string()
    }
}

impl fmt::Display for ConfigurationPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{PLACE}{}", self.before, self.after)
    }
}
