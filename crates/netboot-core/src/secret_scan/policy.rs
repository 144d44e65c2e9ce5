//! The choice of findings that are errors, which are warnings, and which are allowed.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;

use globset::{GlobBuilder, GlobMatcher};
use regex::bytes::RegexBuilder;

use super::finding::{SecretFinding, SecretMatch, SecretPlace};
use super::kind::{SecretKind, Severity};
use super::rule::VERSION;
use super::scanner::{NamedPattern, scan};
use super::test_material::is_test_material;
use crate::context::Context;
use crate::digest::{Sha256Digest, Sha256Hasher};
use crate::error::Error;

/// The rule of [`SecretPolicy::with_file`].
const NAMED_FILE: &str = "named-file";

/// The rules for secrets that an image may contain.
///
/// The default denies private keys, signing keys, tokens and passwords in clear text. It warns of
/// encrypted private keys and of password hashes, which resist as long as their passwords do, and
/// of JSON Web Tokens, many of which have expired or are public.
///
/// ```
/// use netboot_core::secret_scan::{SecretKind, SecretPolicy, Severity};
///
/// let policy = SecretPolicy::default()
///     .with_severity(SecretKind::PasswordHash, Severity::Deny)
///     .with_file("**/*.kdbx")?
///     .with_pattern("company-token", "acme_[0-9a-f]{32}")?
///     .with_allowed("google-api-key", "/nix/store/*-chromium-*/**", "public in every copy")?;
/// # Ok::<(), netboot_core::Error>(())
/// ```
#[derive(Clone)]
pub struct SecretPolicy {
    kinds: BTreeMap<SecretKind, Severity>,
    rules: BTreeMap<String, Severity>,
    allowed: Vec<Allowed>,
    files: Vec<GlobMatcher>,
    patterns: Vec<NamedPattern>,
}

/// Findings that are no secrets, and why.
#[derive(Debug, Clone)]
struct Allowed {
    rule: String,
    path: GlobMatcher,
    reason: String,
}

/// The verdict of a policy on a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Judgement {
    /// It is reported.
    Finding(SecretFinding),
    /// It belongs to the tests or the documentation of a package.
    TestMaterial,
    /// The policy allows it, for this reason.
    Allowed(String),
    /// The policy ignores it.
    Ignored,
}

impl Default for SecretPolicy {
    fn default() -> Self {
        let warned =
            [SecretKind::EncryptedPrivateKey, SecretKind::PasswordHash, SecretKind::WebToken];
        warned
            .into_iter()
            .fold(Self::strict(), |policy, kind| policy.with_severity(kind, Severity::Warn))
    }
}

impl SecretPolicy {
    /// A policy that ignores everything. Nothing is scanned.
    pub fn none() -> Self {
        Self {
            kinds: BTreeMap::new(),
            rules: BTreeMap::new(),
            allowed: Vec::new(),
            files: Vec::new(),
            patterns: Vec::new(),
        }
    }

    /// A policy that denies every finding.
    pub fn strict() -> Self {
        SecretKind::ALL
            .into_iter()
            .fold(Self::none(), |policy, kind| policy.with_severity(kind, Severity::Deny))
    }

    /// Sets the severity of a kind of secrets.
    #[must_use]
    pub fn with_severity(mut self, kind: SecretKind, severity: Severity) -> Self {
        self.kinds.insert(kind, severity);
        self
    }

    /// Sets the severity of a rule, such as `google-api-key`, whatever its kind has.
    #[must_use]
    pub fn with_rule_severity(mut self, rule: impl Into<String>, severity: Severity) -> Self {
        self.rules.insert(rule.into(), severity);
        self
    }

    /// Allows what `rule` finds in the files whose whole path matches the glob `path`. `*` matches
    /// within a part of the path, and `**` across parts.
    ///
    /// # Errors
    /// [`Error::InvalidPattern`] if `path` is no glob, or the rule or the reason is empty.
    pub fn with_allowed(
        mut self,
        rule: impl Into<String>,
        path: &str,
        reason: impl Into<String>,
    ) -> Result<Self, Error> {
        let (rule, reason) = (rule.into(), reason.into());
        if rule.trim().is_empty() || reason.trim().is_empty() {
            return Err(invalid(path, &"it needs the name of a rule and a reason"));
        }
        self.allowed.push(Allowed { rule, path: glob(path)?, reason });
        Ok(self)
    }

    /// Adds files that must not be in an image, whatever they contain, by a glob for their whole
    /// path. Their rule is `named-file`.
    ///
    /// # Errors
    /// [`Error::InvalidPattern`] if `path` is no glob.
    pub fn with_file(mut self, path: &str) -> Result<Self, Error> {
        self.files.push(glob(path)?);
        Ok(self)
    }

    /// Adds a rule with the name `rule` for texts that match a regular expression. A match has at
    /// most 6 KiB.
    ///
    /// # Errors
    /// [`Error::InvalidPattern`] if `pattern` is no regular expression. The error does not show it,
    /// because it may be a secret itself.
    pub fn with_pattern(mut self, rule: impl Into<String>, pattern: &str) -> Result<Self, Error> {
        let rule = rule.into();
        let compiled = RegexBuilder::new(pattern).unicode(false).build();
        let compiled =
            compiled.map_err(|_| invalid(&rule, &"its text is no regular expression"))?;
        self.patterns.push((rule, compiled));
        Ok(self)
    }

    /// Returns true if the policy can report anything.
    pub fn scans_anything(&self) -> bool {
        self.kinds.values().chain(self.rules.values()).any(|it| *it != Severity::Ignore)
    }

    /// A digest of everything that decides what [`scan`](Self::scan) finds. Results for a file that
    /// never changes can be kept under it.
    pub fn version(&self) -> Sha256Digest {
        let mut hasher = Sha256Hasher::new();
        hasher.update(&VERSION.to_le_bytes());
        let patterns = self.patterns.iter().flat_map(|(rule, it)| [rule.as_str(), it.as_str()]);
        let files = self.files.iter().map(|glob| glob.glob().glob());
        for text in patterns.chain(["files"]).chain(files) {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        hasher.finish().0
    }

    /// Finds the secrets in the file at `place`, which `reader` reads: the first one of each rule.
    /// Some rules look at the file's name.
    ///
    /// It needs less than 1 MiB of memory, whatever the file has. It blocks.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Cancelled`].
    pub fn scan(
        &self,
        place: &SecretPlace,
        reader: &mut dyn Read,
        context: &Context,
    ) -> Result<Vec<SecretMatch>, Error> {
        let path = place.to_string();
        let mut found = scan(&path, reader, &self.patterns, context)?;
        if self.files.iter().any(|glob| glob.is_match(&path)) {
            let (rule, kind) = (NAMED_FILE.to_owned(), SecretKind::Named);
            found.push(SecretMatch { rule, kind, offset: 0, is_known: false });
        }
        Ok(found)
    }

    /// Judges a secret. A finding has an empty chain.
    pub fn judge(&self, place: &SecretPlace, secret: &SecretMatch) -> Judgement {
        let of_kind = || self.kinds.get(&secret.kind).copied();
        let severity = self.rules.get(&secret.rule).copied().or_else(of_kind);
        let severity = severity.unwrap_or(Severity::Ignore);
        let path = place.to_string();
        let is_it = |it: &&Allowed| it.rule == secret.rule && it.path.is_match(&path);
        if severity == Severity::Ignore {
            Judgement::Ignored
        } else if let Some(allowed) = self.allowed.iter().find(is_it) {
            Judgement::Allowed(allowed.reason.clone())
        } else if secret.is_known
            || (secret.kind != SecretKind::Named && is_test_material(&place.file))
        {
            Judgement::TestMaterial
        } else {
            let (place, secret) = (place.clone(), secret.clone());
            Judgement::Finding(SecretFinding { severity, place, secret, chain: Vec::new() })
        }
    }
}

fn glob(text: &str) -> Result<GlobMatcher, Error> {
    let glob = GlobBuilder::new(text).literal_separator(true).build();
    Ok(glob.map_err(|error| invalid(text, error.kind()))?.compile_matcher())
}

fn invalid(pattern: &str, problem: &dyn fmt::Display) -> Error {
    Error::InvalidPattern { pattern: pattern.to_owned(), problem: problem.to_string() }
}

/// Shows no pattern of a caller, because it may be a secret itself.
impl fmt::Debug for SecretPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let patterns: Vec<&str> = self.patterns.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("SecretPolicy")
            .field("kinds", &self.kinds)
            .field("rules", &self.rules)
            .field("allowed", &self.allowed)
            .field("patterns", &patterns)
            .finish_non_exhaustive()
    }
}
