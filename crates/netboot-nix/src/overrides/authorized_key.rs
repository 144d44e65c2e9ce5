//! SSH keys that give access.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};
use ssh_key::PublicKey;

use crate::error::Error;
use crate::error::text_form::TextForm;

/// A line of `authorized_keys`: a public key, optionally with options before it and a comment after
/// it (sshd(8), "`AUTHORIZED_KEYS` FILE FORMAT").
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct AuthorizedKey(String);

impl AuthorizedKey {
    /// The line.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

netboot_core::text_conversions!(AuthorizedKey, Error);

impl FromStr for AuthorizedKey {
    type Err = Error;

    /// Reads a line with a key.
    ///
    /// # Errors
    /// [`Error::InvalidText`] for a text that is not one line with a complete public key,
    /// such as a placeholder in a manual.
    fn from_str(line: &str) -> Result<Self, Error> {
        let line = line.trim();
        let (form, text) = (TextForm::AuthorizedKey, || line.to_owned());
        let invalid = |problem: String| Error::InvalidText { form, text: text(), problem };
        if line.contains(char::is_control) {
            return Err(invalid("it is more than one line".to_owned()));
        }
        public_key(line).map_err(|error| invalid(error.to_string()))?;
        Ok(Self(line.to_owned()))
    }
}

/// The public key in a line of `authorized_keys`.
pub(crate) fn public_key(line: &str) -> Result<PublicKey, ssh_key::Error> {
    let line = line.trim();
    PublicKey::from_openssh(line).or_else(|error| match without_options(line) {
        Some(rest) => PublicKey::from_openssh(rest),
        None => Err(error),
    })
}

/// The text after the options, which end at the first space outside of double quotes.
fn without_options(line: &str) -> Option<&str> {
    let (mut quoted, mut escaped) = (false, false);
    let end = line.find(|character| {
        let ends = !quoted && (character == ' ' || character == '\t');
        quoted ^= character == '"' && !escaped;
        escaped = character == '\\' && !escaped;
        ends
    })?;
    Some(line[end..].trim_start())
}

impl fmt::Display for AuthorizedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Serialize for AuthorizedKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}
