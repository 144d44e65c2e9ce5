//! The programs that machines with Secure Boot start.

use std::collections::HashSet;

use crate::script::expansion::Part;
use crate::script::token::Token;

/// The EFI programs of scripts whose signatures the firmware of the machines accepts. A
/// [`Linter`](crate::Linter) cannot see from a script what is signed, so its caller tells it.
///
/// A program is named by its URL as the script writes it, or by the last part of the URL's path,
/// such as a file name or a digest.
///
/// ```
/// use ipxe_script::{IpxeBuild, Linter, Script, SignedPrograms};
///
/// let signed = SignedPrograms::new().with_uki("worker.efi");
/// let linter = Linter::new(&IpxeBuild::default()).with_secure_boot(signed);
/// let findings = |script: &str| linter.lint(&Script::parse(script));
///
/// let script = "#!ipxe\nkernel PROGRAM || exit 1\nboot || exit 1\n";
/// assert!(findings(&script.replace("PROGRAM", "../worker.efi")).is_empty());
/// let found = findings(&script.replace("PROGRAM", "../bzImage"));
/// assert_eq!(found[0].kind.code(), "unsigned-program");
/// let found = findings(&script.replace("PROGRAM", "../worker.efi quiet"));
/// assert_eq!(found[0].kind.code(), "arguments-of-uki");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignedPrograms {
    programs: HashSet<Box<[u8]>>,
    ukis: HashSet<Box<[u8]>>,
}

impl SignedPrograms {
    /// No program. Every `kernel` command is then a finding.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a program that takes arguments and initrds, such as a signed kernel or a shim.
    #[must_use]
    pub fn with_program(mut self, name: impl AsRef<[u8]>) -> Self {
        self.programs.insert(name.as_ref().into());
        self
    }

    /// Adds a unified kernel image. Its command line and its initrds are inside.
    #[must_use]
    pub fn with_uki(mut self, name: impl AsRef<[u8]>) -> Self {
        self.ukis.insert(name.as_ref().into());
        self
    }

    /// Returns true if the URL can be that of a program that was added. A URL that depends on
    /// settings can be every one that ends in its file name, and every one without a literal file
    /// name.
    pub(crate) fn may_have(&self, url: &Token) -> bool {
        let is_in = |name: &[u8]| self.programs.contains(name) || self.ukis.contains(name);
        let Some(name) = literal_name(url) else { return true };
        let mut all = self.programs.iter().chain(&self.ukis);
        is_in(url.bytes())
            || is_in(name)
            || !url.is_literal() && all.any(|known| last_part(known) == Some(name))
    }

    /// Returns true if the URL is that of a UKI that was added.
    pub(crate) fn has_uki(&self, url: &[u8]) -> bool {
        self.ukis.contains(url) || last_part(url).is_some_and(|name| self.ukis.contains(name))
    }
}

/// The last part of the path of a URL, if no setting changes it.
fn literal_name(url: &Token) -> Option<&[u8]> {
    if url.is_literal() {
        return Some(last_part(url.bytes()).unwrap_or_default());
    }
    let Some(Part::Literal(rest)) = url.parts().last().copied() else { return None };
    // A setting before it may end in a `?`, but nobody writes a path behind one.
    rest.contains(&b'/').then(|| last_part(rest)).flatten()
}

/// The last part of the path of a URL.
pub(crate) fn last_part(url: &[u8]) -> Option<&[u8]> {
    let path = url.split(|byte| matches!(byte, b'?' | b'#')).next()?;
    path.rsplit(|byte| *byte == b'/').next().filter(|name| !name.is_empty())
}
