//! The result of scanning a whole image.

use std::collections::BTreeMap;
use std::path::Path;

use super::finding::{SecretFinding, SecretMatch, SecretPlace};
use super::kind::Severity;
use super::policy::{Judgement, SecretPolicy};
use crate::blocking::blocking;
use crate::boot_spec::BootSpec;
use crate::command_line::KernelParameter;
use crate::context::Context;
use crate::counted::counted;
use crate::error::Error;
use crate::event::Event;
use crate::name::ProfileName;
use crate::regular_file::open_regular_file;

/// Collects the secrets of one image, judged by a policy.
#[derive(Debug)]
pub struct SecretReport<'a> {
    policy: &'a SecretPolicy,
    findings: Vec<SecretFinding>,
    known: u64,
    /// The number of allowed findings, by reason.
    allowed: BTreeMap<String, u64>,
}

impl<'a> SecretReport<'a> {
    /// An empty report.
    pub fn new(policy: &'a SecretPolicy) -> Self {
        Self { policy, findings: Vec::new(), known: 0, allowed: BTreeMap::new() }
    }

    /// Adds a secret. `chain` makes the chain of references to it, if it becomes a finding.
    pub fn add(
        &mut self,
        place: &SecretPlace,
        secret: &SecretMatch,
        chain: impl FnOnce() -> Vec<String>,
    ) {
        match self.policy.judge(place, secret) {
            Judgement::Finding(finding) => {
                self.findings.push(SecretFinding { chain: chain(), ..finding });
            }
            Judgement::TestMaterial => self.known += 1,
            Judgement::Allowed(reason) => *self.allowed.entry(reason).or_default() += 1,
            Judgement::Ignored => {}
        }
    }

    /// Scans the kernel parameters, which are in the boot scripts.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub fn add_command_line(&mut self, boot: &BootSpec, context: &Context) -> Result<(), Error> {
        let place = SecretPlace::new("kernel parameters", "");
        let parameters: Vec<&str> =
            boot.kernel_parameters().iter().map(KernelParameter::as_str).collect();
        for secret in self.policy.scan(&place, &mut parameters.join(" ").as_bytes(), context)? {
            self.add(&place, &secret, Vec::new);
        }
        Ok(())
    }

    /// Scans the file at `path`, such as a build log.
    ///
    /// # Errors
    /// The errors of [`open_regular_file`], [`Error::Cancelled`].
    pub async fn add_file(&mut self, path: &Path, context: &Context) -> Result<(), Error> {
        let (policy, path, context) = (self.policy.clone(), path.to_owned(), context.clone());
        let place = SecretPlace::new(path.display().to_string(), "");
        let scanned = place.clone();
        let scan = move || policy.scan(&scanned, &mut open_regular_file(&path)?, &context);
        for secret in blocking(scan).await? {
            self.add(&place, &secret, Vec::new);
        }
        Ok(())
    }

    /// Emits a warning for each finding that is not denied, and the numbers of known keys and of
    /// allowed findings.
    ///
    /// # Errors
    /// [`Error::SecretsFound`] with all findings that are denied.
    pub fn finish(mut self, profile: &ProfileName, context: &Context) -> Result<(), Error> {
        self.findings.sort_by(|a, b| (&a.place, a.secret.offset).cmp(&(&b.place, b.secret.offset)));
        let log = |line| {
            let (profile, origin) = (Some(profile.clone()), "secret-scan".to_owned());
            context.emit(Event::Log { profile, origin, line });
        };
        if self.known > 0 {
            let number = counted(self.known, "secret");
            log(format!("{number} of the tests and documentation of packages, which are known"));
        }
        for (reason, number) in &self.allowed {
            log(format!("{} allowed by the policy: {reason}", counted(*number, "secret")));
        }
        let (findings, warned): (Vec<_>, Vec<_>) =
            self.findings.into_iter().partition(|finding| finding.severity == Severity::Deny);
        for finding in warned {
            context.emit(Event::Warning {
                profile: Some(profile.clone()),
                message: finding.to_string(),
                hint: Some(finding.hint()),
            });
        }
        if findings.is_empty() {
            return Ok(());
        }
        Err(Error::SecretsFound { profile: profile.clone(), findings })
    }
}
