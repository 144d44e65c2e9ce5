//! The keys of a bucket in a file, as the programs of Amazon write it.

use std::error::Error as StdError;
use std::path::PathBuf;

use netboot_core::read_regular_text;
use netboot_publish::{S3CredentialProvider, S3Keys, async_trait};

/// The maximum size of the file, in bytes.
const FILE_LIMIT: u64 = 1024 * 1024;

/// A profile of a file such as `~/.aws/credentials`. Each request reads the file, so that a program
/// may renew its keys.
#[derive(Debug, Clone)]
pub(super) struct CredentialsFile {
    pub(super) path: PathBuf,
    pub(super) profile: String,
}

#[async_trait]
impl S3CredentialProvider for CredentialsFile {
    async fn keys(&self) -> Result<S3Keys, Box<dyn StdError + Send + Sync>> {
        let text = read_regular_text(&self.path, FILE_LIMIT)?;
        let missing = |key: &str| {
            format!("the profile `{}` of `{}` has no `{key}`", self.profile, self.path.display())
        };
        let value = |key: &str| value(&text, &self.profile, key);
        let required = |key: &str| value(key).ok_or_else(|| missing(key));
        let keys = S3Keys::new(required("aws_access_key_id")?, required("aws_secret_access_key")?);
        Ok(match value("aws_session_token") {
            Some(token) => keys.with_session_token(token),
            None => keys,
        })
    }
}

/// The value of a key in a section.
fn value<'a>(text: &'a str, profile: &str, key: &str) -> Option<&'a str> {
    let lines = text.lines().map(str::trim);
    let section = lines.skip_while(|line| heading(line) != Some(profile)).skip(1);
    section.take_while(|line| heading(line).is_none()).find_map(|line| {
        let (name, value) = line.split_once('=')?;
        (name.trim() == key).then(|| value.trim())
    })
}

/// The name of the section that a line begins.
fn heading(line: &str) -> Option<&str> {
    line.strip_prefix('[')?.strip_suffix(']').map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::value;

    #[test]
    fn a_value_is_that_of_the_profile() {
        let text =
            "# a\n[default]\naws_access_key_id = one\n\n[ other ]\n;x\naws_access_key_id=two\n";
        for (profile, key, expected) in [
            ("default", "aws_access_key_id", Some("one")),
            ("other", "aws_access_key_id", Some("two")),
            ("other", "aws_secret_access_key", None),
            ("third", "aws_access_key_id", None),
        ] {
            assert_eq!(value(text, profile, key), expected, "{profile}");
        }
    }
}
