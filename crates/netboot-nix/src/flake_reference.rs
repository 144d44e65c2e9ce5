//! The name of a flake.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::error::text_form::TextForm;
use crate::redaction::without_credentials;

/// The maximum length of a reference in bytes.
const LIMIT: usize = 4096;

/// The name of a flake, as on the `nix` command line: a path, `path:…`, `git+ssh://…` or
/// `github:…`.
///
/// A reference cannot look like an option. It has no fragment, because the profiles choose the
/// configurations.
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

fn invalid(text: String, problem: &str) -> Error {
    Error::InvalidText { form: TextForm::FlakeReference, text, problem: problem.to_owned() }
}

impl FlakeReference {
    /// Validates `reference`. A local path is made absolute.
    ///
    /// # Errors
    /// [`Error::InvalidText`], or [`Error::FlakeNotFound`] for a local path without a
    /// `flake.nix`.
    pub fn new(reference: impl Into<String>) -> Result<Self, Error> {
        let reference = reference.into();
        let problem = if reference.is_empty() {
            Some("it is empty")
        } else if reference.len() > LIMIT {
            Some("it is longer than 4096 bytes")
        } else if reference.starts_with('-') {
            Some("it looks like an option")
        } else if reference.contains(|c: char| c.is_control() || c.is_whitespace()) {
            Some("it contains white space or a control character")
        } else if reference.contains(['#', '^']) {
            Some("it has a fragment")
        } else {
            None
        };
        match problem {
            Some(problem) => {
                let text = without_credentials(&reference).chars().take(200).collect();
                Err(invalid(text, problem))
            }
            None => Self::locate(reference),
        }
    }

    /// Makes a local path absolute and searches its `flake.nix`.
    fn locate(reference: String) -> Result<Self, Error> {
        let Some(local) = LocalReference::of(&reference) else { return Ok(Self(reference)) };
        let Some(absolute) = local.find() else {
            return Err(Error::FlakeNotFound { reference, message: None });
        };
        let problem = "its path contains a character that a flake reference cannot contain";
        let written = absolute.to_str().filter(|path| {
            // Nix 2.8 refuses these characters in the path of a URL, encoded or not.
            !path.contains(|c: char| c.is_control() || c.is_whitespace() || "#?%^".contains(c))
        });
        let Some(path) = written else {
            return Err(invalid(absolute.to_string_lossy().into_owned(), problem));
        };
        Ok(Self(format!("{}{path}{}", local.scheme, local.query)))
    }

    /// Returns true if the reference names a local flake that exists.
    pub(crate) fn is_present(&self) -> bool {
        LocalReference::of(&self.0).is_some_and(|local| local.find().is_some())
    }

    /// The root of the git repository that contains the flake, if the flake is local.
    pub(crate) fn repository(&self) -> Option<PathBuf> {
        let local = self.0.strip_prefix("git+file://").unwrap_or(&self.0);
        if !local.starts_with('/') {
            return None;
        }
        let path = Path::new(local.split('?').next().unwrap_or(local));
        path.ancestors().find(|place| place.join(".git").exists()).map(Path::to_owned)
    }

    /// The reference as Nix gets it, including credentials.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The parts of a reference to a local directory.
struct LocalReference<'a> {
    scheme: &'a str,
    path: &'a Path,
    query: &'a str,
}

impl<'a> LocalReference<'a> {
    fn of(reference: &'a str) -> Option<Self> {
        let (scheme, rest) = match reference.strip_prefix("path:") {
            Some(rest) => ("path:", rest),
            None if reference.starts_with(['.', '/']) => ("", reference),
            None => return None,
        };
        let (path, query) = rest.split_at(rest.find('?').unwrap_or(rest.len()));
        Some(Self { scheme, path: Path::new(path), query })
    }

    /// The absolute path, if it has a flake.
    fn find(&self) -> Option<PathBuf> {
        let mut parameters = self.query.trim_start_matches('?').split('&');
        let directory = parameters.find_map(|parameter| parameter.strip_prefix("dir="));
        let file = Path::new(directory.unwrap_or(".")).join("flake.nix");
        // For a plain path, Nix also searches the directories above it.
        let places = if self.scheme.is_empty() { usize::MAX } else { 1 };
        let absolute = self.path.canonicalize().ok()?;
        let found = absolute.ancestors().take(places).any(|place| place.join(&file).is_file());
        found.then_some(absolute)
    }
}

/// Shows the reference without credentials, as far as they can be recognised.
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_path_that_nix_would_misread_is_refused() {
        for name in ["a b", "a#b", "a?b", "a%b", "a^b", "a\nb"] {
            let directory = tempfile::tempdir().unwrap();
            let place = directory.path().join(name);
            std::fs::create_dir(&place).unwrap();
            std::fs::write(place.join("flake.nix"), "").unwrap();
            // The link has a valid name, but its target does not.
            let link = directory.path().join("link");
            std::os::unix::fs::symlink(&place, &link).unwrap();
            let error = FlakeReference::new(link.display().to_string()).unwrap_err();
            assert!(matches!(error, Error::InvalidText { .. }), "{name:?}: {error:?}");
        }
    }

    #[test]
    fn a_local_flake_is_looked_for_where_nix_does() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("a/b")).unwrap();
        std::fs::write(root.join("a/flake.nix"), "").unwrap();
        let is_valid = |reference: String| FlakeReference::new(reference).is_ok();
        let root = root.display();
        assert!(is_valid(format!("{root}/a")) && is_valid(format!("path:{root}/a")));
        assert!(is_valid(format!("{root}/a/b")) && !is_valid(format!("path:{root}/a/b")));
        assert!(is_valid(format!("path:{root}?dir=a")) && !is_valid(format!("path:{root}?dir=b")));
        let reference = FlakeReference::new(format!("path:{root}/a/b/..")).unwrap();
        assert_eq!(reference.as_str(), format!("path:{root}/a"));
    }

    proptest! {
        #[test]
        fn no_reference_is_an_option_or_a_fragment(text in any::<String>(), dash in "-[ -~]{0,20}") {
            prop_assert!(FlakeReference::new(dash).is_err());
            if let Ok(reference) = FlakeReference::new(text) {
                let is_forbidden = |c: char| c.is_control() || c.is_whitespace() || c == '#' || c == '^';
                prop_assert!(!reference.as_str().starts_with('-'));
                prop_assert!(!reference.as_str().contains(is_forbidden));
            }
        }
    }
}
