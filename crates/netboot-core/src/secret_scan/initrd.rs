//! The secrets in the files of an initrd.

use std::path::Path;

use super::finding::{SecretMatch, SecretPlace};
use super::policy::SecretPolicy;
use super::report::SecretReport;
use crate::blocking::blocking;
use crate::context::Context;
use crate::error::Error;
use crate::event::{Event, Phase};
use crate::inspect::initrd::read_initrd;
use crate::inspect::summary::{InitrdSummary, is_file_system_image};
use crate::name::ProfileName;

/// The result of scanning an initrd.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct InitrdSecrets {
    /// The secrets, in the order of the initrd's files.
    pub secrets: Vec<(SecretPlace, SecretMatch)>,
    /// The parts that were not scanned: file system images, by their paths.
    pub unscanned: Vec<String>,
}

impl InitrdSecrets {
    /// Adds the secrets to `report`, and warns of the parts that were not scanned.
    pub fn report(self, report: &mut SecretReport<'_>, profile: &ProfileName, context: &Context) {
        for (place, secret) in &self.secrets {
            report.add(place, secret, Vec::new);
        }
        for part in self.unscanned {
            context.emit(Event::Warning {
                profile: Some(profile.clone()),
                message: format!("{part} was not scanned for secrets: Netboot does not read it"),
                hint: Some("make sure that it contains no secret".to_owned()),
            });
        }
    }
}

/// Inspects the initrd at `path` like [`inspect_initrd`](crate::inspect::inspect_initrd), and scans
/// its files for secrets. A file whose absolute path is `known` was scanned before.
///
/// # Errors
/// The errors of [`inspect_initrd`](crate::inspect::inspect_initrd).
pub async fn scan_initrd(
    path: &Path,
    policy: &SecretPolicy,
    known: impl Fn(&str) -> bool + Send + 'static,
    context: &Context,
) -> Result<(InitrdSummary, InitrdSecrets), Error> {
    let _phase = context.phase(Phase::Scanning, None);
    let (context, _guard) = context.until_dropped();
    let (path, policy) = (path.to_owned(), policy.clone());
    blocking(move || {
        let container = path.display().to_string();
        let mut found = InitrdSecrets { secrets: Vec::new(), unscanned: Vec::new() };
        let summary = read_initrd(&path, (Phase::Scanning, &context), &mut |name, content| {
            let name = name.strip_prefix("./").unwrap_or(name).trim_matches('/');
            if !policy.scans_anything() || known(&format!("/{name}")) {
                return Ok(());
            }
            let place = SecretPlace::new(&container, name);
            let secrets = policy.scan(&place, content, &context)?;
            found.secrets.extend(secrets.into_iter().map(|secret| (place.clone(), secret)));
            if is_file_system_image(name) {
                found.unscanned.push(format!("the file system image `{place}`"));
            }
            Ok(())
        })?;
        Ok((summary, found))
    })
    .await
}
