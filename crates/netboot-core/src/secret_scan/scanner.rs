//! Reads a file in windows that overlap, in bounded memory.

use std::io::Read;

use regex::bytes::Regex;

use super::finding::SecretMatch;
use super::kind::SecretKind;
use super::rule::{AFTER, BEFORE, BUILT_IN};
use super::whole_file;
use crate::context::Context;
use crate::error::Error;

/// The number of bytes that are read at a time.
const STEP: usize = 256 * 1024;

/// A pattern of a caller, with the name of its rule.
pub(super) type NamedPattern = (String, Regex);

/// Finds the secrets in the file `path`, at most one of each rule: the first.
pub(super) fn scan(
    path: &str,
    reader: &mut dyn Read,
    patterns: &[NamedPattern],
    context: &Context,
) -> Result<Vec<SecretMatch>, Error> {
    let mut found: Vec<SecretMatch> = Vec::new();
    let mut window = Vec::with_capacity(STEP + BEFORE + AFTER);
    // The position of the window in the file, and the part of it that was searched before.
    let (mut position, mut searched) = (0_u64, 0);
    loop {
        context.check()?;
        let read = (&mut *reader).take(STEP as u64).read_to_end(&mut window);
        let is_end = read.map_err(|source| Error::io("read", path, source))? < STEP;
        let end = if is_end { window.len() } else { window.len() - AFTER };
        let mut add = |name: &str, kind, start: usize, is_known| {
            if !found.iter().any(|it| it.rule == name && it.kind == kind && it.is_known == is_known)
            {
                let (rule, offset) = (name.to_owned(), position + start as u64);
                found.push(SecretMatch { rule, kind, offset, is_known });
            }
        };
        if position == 0
            && searched == 0
            && let Some(hit) = whole_file::secret(path, &window, is_end)
        {
            add(hit.name, hit.kind, hit.start, hit.is_known);
        }
        BUILT_IN
            .find(&window, searched, end, |hit| add(hit.name, hit.kind, hit.start, hit.is_known));
        for (name, pattern) in patterns {
            if let Some(hit) = pattern.find_at(&window, searched).filter(|hit| hit.start() < end) {
                add(name, SecretKind::Named, hit.start(), false);
            }
        }
        if is_end {
            return Ok(found);
        }
        let done = end.saturating_sub(BEFORE);
        window.drain(..done);
        position += done as u64;
        searched = end - done;
    }
}
