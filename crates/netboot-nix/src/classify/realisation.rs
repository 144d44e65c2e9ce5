//! Causes of a failed build.

use std::path::Path;
use std::process::ExitStatus;

use foreign_text::ForeignText;

use crate::classify::any_phase::Failure;
use crate::classify::text::{derivations, in_one_line, own_words, quoted_after};
use crate::error::Error;
use crate::error::subject::Subject;
use crate::nix_output::{Message, NixOutput};

/// The facts about a realisation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Realising<'a> {
    /// The configuration.
    pub(crate) attribute: &'a str,
    /// The log of the profile's build.
    pub(crate) build_log: &'a Path,
    /// The derivation of the builder that ended last, for messages that name no derivation.
    pub(crate) ended_last: Option<&'a str>,
}

/// The error for a failed build, or `None` if the messages are unknown. `last_lines` returns the
/// end of a derivation's log.
pub(crate) fn realisation(
    nix_output: &NixOutput,
    status: ExitStatus,
    realising: Realising<'_>,
    last_lines: impl Fn(&str) -> Vec<ForeignText>,
) -> Option<Error> {
    let own = without_quotations(nix_output);
    let reader = Reader { nix_output: &own, status, realising, last_lines: &last_lines };
    let subject = match reader.failed_derivation().or(realising.ended_last) {
        Some(derivation) => Subject::Derivation(derivation.to_owned()),
        None => Subject::Attribute(realising.attribute.to_owned()),
    };
    let build_log = Some(realising.build_log);
    let failure = Failure { subject: &subject, nix_output: &own, status, build_log };
    reader
        .unsupported_system()
        .or_else(|| reader.no_builder())
        .or_else(|| failure.feature_disabled())
        .or_else(|| match &subject {
            Subject::Derivation(derivation) => failure.disk_full(last_lines(derivation)),
            _ => failure.disk_full(Vec::new()),
        })
        .or_else(|| reader.hash_mismatch())
        .or_else(|| reader.timed_out())
        .or_else(|| derivation_is_gone(&own))
        .or_else(|| reader.build_failed())
        .or_else(|| failure.unsigned())
        .or_else(|| failure.network())
        .or_else(|| failure.daemon_unreachable())
        .or_else(|| failure.permission_denied())
        .or_else(|| failure.interrupted())
}

/// The error for a failed query of the requisites of `attribute`, or `None` if the messages are
/// unknown.
pub(crate) fn query(nix_output: &NixOutput, status: ExitStatus, attribute: &str) -> Option<Error> {
    let subject = Subject::Attribute(attribute.to_owned());
    let failure = Failure { subject: &subject, nix_output, status, build_log: None };
    derivation_is_gone(nix_output)
        .or_else(|| failure.disk_full(Vec::new()))
        .or_else(|| failure.daemon_unreachable())
        .or_else(|| failure.permission_denied())
        .or_else(|| failure.interrupted())
}

/// The error for an evaluated derivation that the garbage collector deleted.
fn derivation_is_gone(nix_output: &NixOutput) -> Option<Error> {
    let texts =
        ["cannot build missing derivation", "failed to obtain derivation of", "is not valid"];
    let message = nix_output.find(&texts)?;
    let derivation = derivations(message).next()?.to_owned();
    Some(Error::DerivationCollected { derivation })
}

fn without_quotations(nix_output: &NixOutput) -> NixOutput {
    let own = |message: &Message| Message {
        text: own_words(&message.text).into(),
        position: message.position.clone(),
    };
    NixOutput {
        messages: nix_output.messages.iter().map(own).collect(),
        lines: nix_output.lines.clone(),
        warnings: nix_output.warnings.clone(),
        crash: nix_output.crash.clone(),
        all: nix_output.all.clone(),
    }
}

struct Reader<'a> {
    nix_output: &'a NixOutput,
    status: ExitStatus,
    realising: Realising<'a>,
    last_lines: &'a dyn Fn(&str) -> Vec<ForeignText>,
}

impl Reader<'_> {
    /// The derivation that failed itself, not one that depends on it.
    fn failed_derivation(&self) -> Option<&str> {
        let own = self.nix_output.texts().filter(|message| !message.contains("dependenc"));
        own.chain(self.nix_output.texts()).find_map(|message| derivations(message).next())
    }

    fn unsupported_system(&self) -> Option<Error> {
        let texts = ["is required to build", "platform mismatch", "missing system features"];
        let message = self.nix_output.find(&texts)?;
        let derivation = derivations(message).next()?.to_owned();
        let system =
            quoted_after(message, "Required system:").or_else(|| quoted_after(message, "a "));
        let features = ["Required features: {", "with features {"]
            .iter()
            .find_map(|text| message.split_once(text)?.1.split_once('}'))
            .map(|(features, _)| features)
            .filter(|features| !features.is_empty());
        let required = match (system, features) {
            (Some(system), Some(features)) => {
                format!("a {system} with the features {features}")
            }
            (Some(system), None) => format!("a {system}"),
            (None, features) => format!("the features {}", features.unwrap_or("that it asks for")),
        };
        let build_log = self.realising.build_log.to_owned();
        Some(Error::UnsupportedSystem { derivation, required, build_log })
    }

    fn no_builder(&self) -> Option<Error> {
        let texts = [
            "nable to start any build",
            "local builds are disabled",
            // These are messages of root's Nix, which runs builders as separate users.
            "specified in 'build-users-group' does not exist",
            "the build users group '",
        ];
        let message = self.nix_output.find(&texts)?;
        // Earlier messages tell why another machine did not take the build.
        let machines =
            self.nix_output.warnings.iter().filter(|text| text.starts_with("cannot build on"));
        let mut words: Vec<String> = machines.map(|text| in_one_line(text)).collect();
        words.dedup();
        words.push(in_one_line(message));
        Some(Error::NoBuilder {
            derivation: derivations(message).next().map(str::to_owned),
            message: words.join("; ").into(),
            build_log: self.realising.build_log.to_owned(),
        })
    }

    fn hash_mismatch(&self) -> Option<Error> {
        let message = self.nix_output.find(&["hash mismatch in fixed-output derivation"])?;
        let derivation = derivations(message).next()?.to_owned();
        let after = |name: &str| {
            let line = message.lines().find_map(|line| line.trim().strip_prefix(name));
            line.map(|line| line.trim().to_owned()).unwrap_or_default()
        };
        Some(Error::HashMismatch {
            specified: after("specified:"),
            found: after("got:"),
            last_lines: (self.last_lines)(&derivation),
            derivation,
            build_log: self.realising.build_log.to_owned(),
        })
    }

    fn timed_out(&self) -> Option<Error> {
        let message = self.nix_output.find(&["timed out after"]);
        if message.is_none() && self.status.code() != Some(101) {
            return None;
        }
        let named = message.and_then(|message| derivations(message).next());
        let derivation = named.or(self.realising.ended_last).map(str::to_owned);
        Some(Error::TimedOut {
            last_lines: derivation.as_deref().map(self.last_lines).unwrap_or_default(),
            derivation,
            message: message.unwrap_or("it reached a time limit of Nix").into(),
            build_log: self.realising.build_log.to_owned(),
        })
    }

    fn build_failed(&self) -> Option<Error> {
        let texts = ["builder for '", "Cannot build '", "failed to produce output"];
        let message = self.nix_output.find(&texts)?;
        let derivation = self.failed_derivation()?.to_owned();
        let of_it = self
            .nix_output
            .texts()
            .find(|message| derivations(message).next() == Some(&derivation));
        Some(Error::BuildFailed {
            reason: reason(of_it.unwrap_or(message)),
            last_lines: (self.last_lines)(&derivation),
            derivation,
            build_log: self.realising.build_log.to_owned(),
        })
    }
}

/// The end of a builder, such as `exit code 3` or `signal 9 (Killed)`.
fn reason(message: &str) -> Option<ForeignText> {
    let first =
        |text: &str| text.lines().next().unwrap_or(text).trim_end_matches(['.', ';']).into();
    if message.contains("failed to produce output") {
        return Some("it made no output".into());
    }
    ["failed with ", "failed due to "]
        .iter()
        .find_map(|before| message.split_once(before))
        .map(|(_, reason)| first(reason))
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    fn read(messages: &[&str]) -> Option<Error> {
        let message = |text: &&str| Message { text: (*text).into(), position: None };
        let nix_output =
            NixOutput { messages: messages.iter().map(message).collect(), ..NixOutput::default() };
        let realising = Realising { attribute: "x", build_log: Path::new("log"), ended_last: None };
        realisation(&nix_output, ExitStatus::from_raw(1 << 8), realising, |_| Vec::new())
    }

    #[test]
    fn the_derivation_that_failed_is_named_and_not_the_one_that_needed_it() {
        for messages in [
            [
                "1 dependencies of derivation '/nix/store/b-initrd.drv' failed to build",
                "builder for '/nix/store/a-hello.drv' failed with exit code 3;\nlast 2 log lines",
            ],
            [
                "Cannot build '/nix/store/a-hello.drv'.\nReason: builder failed with exit code 3.",
                "Cannot build '/nix/store/b-initrd.drv'.\nReason: 1 dependency failed.",
            ],
        ] {
            let error = read(&messages).unwrap();
            let Error::BuildFailed { derivation, reason, .. } = &error else { panic!("{error:?}") };
            assert_eq!(derivation, "/nix/store/a-hello.drv");
            assert_eq!(reason.as_deref(), Some("exit code 3"));
        }
    }

    #[test]
    fn what_is_not_known_stays_unknown() {
        assert!(read(&["the moon is full"]).is_none());
        assert!(read(&[]).is_none());
    }
}
