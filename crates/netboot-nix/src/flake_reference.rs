//! The name of a flake.

mod local;
mod spelling;

use std::fmt;
use std::path::PathBuf;

use crate::error::Error;
use crate::error::text_form::TextForm;
use crate::flake_reference::local::LocalReference;
use crate::flake_reference::spelling::as_nix_reads_it;
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
/// let reference = FlakeReference::new("git@example.org:infrastructure")?;
/// assert_eq!(reference.as_str(), "git+ssh://git@example.org/infrastructure");
/// # Ok::<(), netboot_nix::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct FlakeReference(String);

fn invalid(text: String, problem: &str) -> Error {
    Error::InvalidText { form: TextForm::FlakeReference, text, problem: problem.to_owned() }
}

impl FlakeReference {
    /// Validates `reference`. A local path is made absolute, and spellings that have one meaning
    /// but that Nix does not read become ones that it reads: `git@example.org:infrastructure`,
    /// `ssh://…`, `https://github.com/owner/name`, `~/infrastructure`, `./mono?dir=x`, a path with
    /// spaces, and a bare repository.
    ///
    /// # Errors
    /// [`Error::InvalidText`]; [`Error::UnclearReference`] for a reference that can mean several
    /// things; [`Error::FlakeNotFound`] for a local path without a `flake.nix`.
    pub fn new(reference: impl Into<String>) -> Result<Self, Error> {
        let reference = reference.into();
        let is_path = reference.starts_with(['.', '/', '~']) || reference.contains(":/");
        let is_space = |c: char| c.is_whitespace() && !(is_path && c == ' ');
        let problem = if reference.is_empty() {
            Some("it is empty")
        } else if reference.len() > LIMIT {
            Some("it is longer than 4096 bytes")
        } else if reference.starts_with('-') {
            Some("it looks like an option")
        } else if reference.contains(|c: char| c.is_control() || is_space(c))
            || reference.ends_with(' ')
        {
            Some("it contains white space or a control character")
        } else if reference.contains('^') {
            Some("it has an output of a derivation")
        } else {
            None
        };
        if let Some(problem) = problem {
            let text = without_credentials(&reference).chars().take(200).collect();
            return Err(invalid(text, problem));
        }
        let read = as_nix_reads_it(&reference).map_err(|unclear| Error::UnclearReference {
            reference: without_credentials(&reference),
            problem: unclear.problem,
            suggestion: Some(without_credentials(&unclear.suggestion)),
        })?;
        Self::locate(read)
    }

    /// Makes a local path absolute and searches its `flake.nix`.
    fn locate(reference: String) -> Result<Self, Error> {
        let Some(local) = LocalReference::of(&reference) else {
            if reference.contains(' ') {
                return Err(invalid(reference, "it contains white space or a control character"));
            }
            return Ok(Self(reference));
        };
        if let Some(read) = local.as_nix_reads_it() {
            return Ok(Self(read));
        }
        if local.flake().is_some() {
            let problem = "its path is not UTF-8 or has a control character";
            return Err(invalid(reference.escape_debug().to_string(), problem));
        }
        if local.must_exist() || reference.contains(' ') {
            return Err(Error::FlakeNotFound { reference, message: None });
        }
        Ok(Self(reference))
    }

    /// Returns true if the reference names a local flake that exists.
    pub(crate) fn is_present(&self) -> bool {
        LocalReference::of(&self.0).is_some_and(|local| local.flake().is_some())
    }

    /// The root of the git repository that contains the flake, if the flake is local.
    pub(crate) fn repository(&self) -> Option<PathBuf> {
        let local = LocalReference::of(&self.0)?;
        if self.0.starts_with("path:") {
            return None;
        }
        local::repository(&local.directory()?)
    }

    /// The reference as Nix gets it, including credentials.
    pub fn as_str(&self) -> &str {
        &self.0
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
    fn a_path_has_the_form_that_nix_reads() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        for (name, encoded) in [
            ("a b", "a%20b"),
            ("a#b", "a%23b"),
            ("a?b", "a%3Fb"),
            ("a%b", "a%25b"),
            ("a^b", "a%5Eb"),
            ("ä", "%C3%A4"),
        ] {
            let place = root.join(name);
            std::fs::create_dir_all(place.join("x")).unwrap();
            std::fs::write(place.join("flake.nix"), "").unwrap();
            std::fs::write(place.join("x/flake.nix"), "").unwrap();
            // The link has a plain name, but its target does not.
            let link = root.join("link");
            let _ = std::fs::remove_file(&link);
            std::os::unix::fs::symlink(&place, &link).unwrap();
            let reference = FlakeReference::new(link.display().to_string()).unwrap();
            assert_eq!(reference.as_str(), format!("path:{}/{encoded}", root.display()));
            assert!(reference.is_present());
            let reference = FlakeReference::new(format!("{}?dir=x", link.display())).unwrap();
            assert_eq!(reference.as_str(), format!("path:{}/{encoded}?dir=x", root.display()));
            std::fs::create_dir(place.join(".git")).unwrap();
            let reference = FlakeReference::new(format!("{}?dir=x", link.display())).unwrap();
            assert_eq!(
                reference.as_str(),
                format!("git+file://{}/{encoded}?dir=x", root.display())
            );
            assert_eq!(reference.repository(), Some(place));
        }
        let place = root.join("a\nb");
        std::fs::create_dir(&place).unwrap();
        std::fs::write(place.join("flake.nix"), "").unwrap();
        std::os::unix::fs::symlink(&place, root.join("odd")).unwrap();
        let error = FlakeReference::new(root.join("odd").display().to_string()).unwrap_err();
        assert!(matches!(error, Error::InvalidText { .. }), "{error:?}");
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
