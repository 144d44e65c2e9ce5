//! Checks the kernel parameters by which Netboot's stage 1 finds the store paths of an image, as
//! `netboot-closure` defines them.

use crate::lint::finding_kind::LintFindingKind;
use crate::lint::images::KERNELS;
use crate::lint::reader::Reader;
use crate::lint::step::Step;
use crate::script::position::Span;
use crate::script::token::Token;

/// The parameter with the digest of the index.
const INDEX: &[u8] = b"netboot.index";
/// The parameter with a place to fetch from. There may be several.
const FROM: &[u8] = b"netboot.from";
/// The parameter with the network card that the machine booted from.
const CARD: &[u8] = b"BOOTIF";

pub(crate) fn check(reader: &mut Reader<'_>) {
    let steps = reader.graph.named(&KERNELS).chain(reader.graph.named(&["imgargs"]));
    let found: Vec<_> = steps.flat_map(|(_, step)| of_command_line(reader, step)).collect();
    reader.find_all(found);
}

fn of_command_line(reader: &Reader<'_>, step: &Step<'_>) -> Vec<(Span, LintFindingKind)> {
    let words = step.arguments.get(1..).unwrap_or_default();
    let mut found = Vec::new();
    let Some((index, digest)) = parameters(words, INDEX).last() else { return found };
    if index.is_literal() && !is_digest(digest) {
        let digest = String::from_utf8_lossy(digest).into_owned();
        found.push((index.span(), LintFindingKind::MalformedClosureIndex { digest }));
    }
    // The value of a setting may be any parameters, such as those of one machine.
    let is_open = words.iter().any(|word| !word.is_literal() && word.bytes().starts_with(b"${"));
    let mut has_source = is_open;
    for (word, url) in parameters(words, FROM) {
        if word.is_literal() && !url.starts_with(b"http://") {
            let url = String::from_utf8_lossy(url).into_owned();
            found.push((word.span(), LintFindingKind::UnusableClosureSource { url }));
        } else {
            has_source |= is_known(reader, word);
        }
    }
    if !has_source {
        found.push((index.span(), LintFindingKind::ClosureWithoutSource));
    }
    if parameters(words, CARD).next().is_none() && !is_open {
        found.push((index.span(), LintFindingKind::ClosureWithoutCard));
    }
    found
}

/// The words of a command line that give this parameter, with its value.
fn parameters<'a>(
    words: &'a [Token],
    name: &'a [u8],
) -> impl Iterator<Item = (&'a Token, &'a [u8])> {
    words.iter().filter_map(move |word| {
        let value = word.bytes().strip_prefix(name)?.strip_prefix(b"=")?;
        Some((word, value))
    })
}

fn is_digest(text: &[u8]) -> bool {
    text.len() == 64 && text.iter().all(u8::is_ascii_hexdigit)
}

/// Returns false if the word needs a setting that only other builds have.
fn is_known(reader: &Reader<'_>, word: &Token) -> bool {
    let mut expansions = word.expansions().into_iter();
    expansions.all(|expansion| {
        let Some(setting) = expansion.setting() else { return true };
        let name = setting.name_text();
        !super::settings::is_of_later_builds(&name) || reader.build.has_setting(&name)
    })
}
