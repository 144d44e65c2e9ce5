//! Checks URLs against the protocols of the build.

use crate::build::capability::{Protocol, Quirk};
use crate::lexical::lost_escape;
use crate::lint::commands::is_needed;
use crate::lint::finding_kind::LintFindingKind;
use crate::lint::reader::Reader;
use crate::lint::step::Step;
use crate::script::position::Span;
use crate::script::token::Token;

pub(crate) fn check(reader: &mut Reader<'_>) {
    let reencodes = reader.build.has_quirk(Quirk::ReencodesUrls);
    let mut found = Vec::new();
    for (node, step) in reader.graph.steps.iter().enumerate() {
        for word in urls(step) {
            let text = word.text();
            let scheme = scheme(&text);
            if let Some(scheme) = scheme {
                let protocol = Protocol::of_scheme(scheme);
                let opens = protocol.is_some_and(|protocol| reader.build.has_protocol(protocol));
                if !opens && is_needed(&reader.graph, node) {
                    let scheme = scheme.to_owned();
                    found.push((word.span(), LintFindingKind::MissingProtocol { scheme }));
                }
            }
            let by_http = scheme.and_then(Protocol::of_scheme);
            let by_http = by_http.is_none_or(|it| matches!(it, Protocol::Http | Protocol::Https));
            if let Some(escape) = lost_escape(&text).filter(|_| reencodes && by_http) {
                found.push(reencoded(word, escape));
            }
        }
    }
    reader.find_all(found);
}

fn reencoded(word: &Token, escape: &str) -> (Span, LintFindingKind) {
    (word.span(), LintFindingKind::ReencodedEscape { escape: escape.to_owned() })
}

/// The arguments of a command that are or may be URLs.
fn urls<'s>(step: &'s Step<'_>) -> &'s [Token] {
    let count = match step.name {
        Some(
            "kernel" | "imgselect" | "imgload" | "imgargs" | "chain" | "boot" | "imgexec"
            | "imgfetch" | "initrd" | "module" | "certstore" | "imgextract" | "shim" | "fdt",
        ) => 1,
        Some("imgverify" | "imgdecrypt") => 2,
        Some("sanboot" | "sanhook") => usize::MAX,
        _ => 0,
    };
    step.arguments.get(..count.min(step.arguments.len())).unwrap_or_default()
}

/// The scheme of a URL, if it has one.
fn scheme(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once(':')?;
    let mut letters = scheme.chars();
    let is_scheme = letters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && letters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | '_'));
    let is_url = rest.starts_with("//") || Protocol::of_scheme(scheme).is_some();
    (is_scheme && is_url).then_some(scheme)
}
