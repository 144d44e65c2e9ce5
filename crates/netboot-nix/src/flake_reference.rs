use std::fmt;
use std::path::Path;

use crate::Error;
use crate::redaction::without_credentials;

/// The greatest length of a reference, in bytes.
const LIMIT: usize = 4096;

/// Names a flake, as the `nix` command line does: a path, `path:…`, `git+ssh://…`, `github:…`.
///
/// It cannot be taken for an option, and it has no fragment: which configurations are built is the
/// profiles' business.
///
/// ```
/// use netboot_nix::FlakeReference;
///
/// assert!(FlakeReference::new("github:example/infrastructure").is_ok());
/// assert!(FlakeReference::new("--impure").is_err());
/// assert!(FlakeReference::new(".#nixosConfigurations").is_err());
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct FlakeReference(String);

impl FlakeReference {
    /// Validates `reference`. A local path is made absolute.
    ///
    /// # Errors
    /// [`Error::InvalidFlakeReference`]; [`Error::FlakeNotFound`] for a local path with no
    /// `flake.nix`.
    pub fn new(reference: impl Into<String>) -> Result<Self, Error> {
        let reference = reference.into();
        let problem = if reference.is_empty() {
            Some("it is empty")
        } else if reference.len() > LIMIT {
            Some("it is longer than 4096 bytes")
        } else if reference.starts_with('-') {
            Some("it would be taken for an option")
        } else if reference.contains(|c: char| c.is_control() || c.is_whitespace()) {
            Some("it holds white space or a control character")
        } else if reference.contains(['#', '^']) {
            Some("it has a fragment")
        } else {
            None
        };
        match problem {
            Some(problem) => {
                let reference = without_credentials(&reference).chars().take(200).collect();
                Err(Error::InvalidFlakeReference { reference, problem })
            }
            None => Self::locate(reference),
        }
    }

    /// Makes a local path absolute and looks for its `flake.nix`.
    fn locate(reference: String) -> Result<Self, Error> {
        let (scheme, path) = match reference.strip_prefix("path:") {
            Some(path) => ("path:", path),
            None if reference.starts_with(['.', '/']) => ("", reference.as_str()),
            None => return Ok(Self(reference)),
        };
        let (path, query) = path.split_at(path.find('?').unwrap_or(path.len()));
        let directory = query
            .trim_start_matches('?')
            .split('&')
            .find_map(|parameter| parameter.strip_prefix("dir="))
            .unwrap_or(".");
        let found = Path::new(path).canonicalize().ok().filter(|absolute| {
            // Nix looks for the flake in the directories above a plain path too.
            let mut candidates = absolute.ancestors().take(if scheme.is_empty() { 64 } else { 1 });
            candidates.any(|place| place.join(directory).join("flake.nix").is_file())
        });
        match found {
            Some(absolute) => Ok(Self(format!("{scheme}{}{query}", absolute.display()))),
            None => Err(Error::FlakeNotFound { reference: reference.clone(), message: None }),
        }
    }

    /// The reference as Nix gets it, credentials included.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Without credentials, as far as they can be told.
impl fmt::Display for FlakeReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&without_credentials(&self.0))
    }
}

impl fmt::Debug for FlakeReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FlakeReference({:?})", without_credentials(&self.0))
    }
}
