//! Reading an index strictly: it accepts only the text that `Display` writes.

use std::collections::HashMap;
use std::str::FromStr;

use crate::error::Error;
use crate::index::entry::IndexEntry;
use crate::index::problem::IndexProblem;
use crate::index::{FIRST_LINE, Index, store_directory};
use crate::sha256::Sha256;
use crate::store_path::StorePath;

const PATH_LINE: &str = "<path> <blob> <blob size> <NAR hash> <NAR size> <unpacked> <inodes> \
                         <deriver> <references>";

/// The number of lines before the lines of paths.
const HEADER_LINES: usize = 4;

impl FromStr for Index {
    type Err = Error;

    /// Reads an index. The memory it takes is a small multiple of the text's length.
    ///
    /// # Errors
    /// [`Error::Index`].
    fn from_str(text: &str) -> Result<Self, Error> {
        let mut lines = Lines { rest: text, number: 0 };
        if lines.next() != Some(FIRST_LINE) {
            return Err(lines.error(IndexProblem::Version));
        }
        let init = lines.field("init <path>", "init ")?.to_owned();
        let totals = lines.field("unpacked <bytes> <inodes>", "unpacked ")?;
        let totals = totals
            .split_once(' ')
            .ok_or(IndexProblem::Number)
            .and_then(|(unpacked, inodes)| Ok((number(unpacked)?, number(inodes)?)));
        let totals = totals.map_err(|problem| lines.error(problem))?;
        let count = number(lines.field("paths <count>", "paths ")?);
        let count = count.map_err(|problem| lines.error(problem))?;

        let mut parsed: Vec<(IndexEntry, &str)> = Vec::new();
        while let Some(line) = lines.next() {
            let (entry, references) = path_line(line).map_err(|problem| lines.error(problem))?;
            if parsed.last().is_some_and(|(last, _)| last.path >= entry.path) {
                return Err(lines.error(IndexProblem::Order));
            }
            parsed.push((entry, references));
        }
        if !lines.rest.is_empty() {
            lines.number += 1;
            return Err(lines.error(IndexProblem::Form { expected: PATH_LINE }));
        }
        if parsed.len() as u64 != count {
            return Err(lines.error(IndexProblem::Count));
        }
        let paths: Vec<StorePath> = parsed.iter().map(|(entry, _)| entry.path.clone()).collect();
        let at =
            |position: usize, problem| Error::Index { line: HEADER_LINES + 1 + position, problem };
        let mut blobs = HashMap::new();
        let mut entries = Vec::with_capacity(parsed.len());
        for (position, (mut entry, references)) in parsed.into_iter().enumerate() {
            entry.references =
                resolve(references, &paths).map_err(|problem| at(position, problem))?;
            let content = (entry.blob_size, entry.nar_hash, entry.nar_size);
            if *blobs.entry(entry.blob).or_insert(content) != content {
                return Err(at(position, IndexProblem::Blob));
            }
            entries.push(entry);
        }
        if store_directory(&entries, &init).is_none() {
            return Err(Error::Index { line: 2, problem: IndexProblem::Init });
        }
        let index = Self { init, entries };
        if (index.unpacked_bytes(), index.inodes()) != totals {
            return Err(Error::Index { line: 3, problem: IndexProblem::Total });
        }
        Ok(index)
    }
}

/// The lines of a text. A line without a newline at its end is none.
struct Lines<'a> {
    rest: &'a str,
    /// The number of the last line, from 1.
    number: usize,
}

impl<'a> Lines<'a> {
    fn error(&self, problem: IndexProblem) -> Error {
        Error::Index { line: self.number.max(1), problem }
    }

    fn next(&mut self) -> Option<&'a str> {
        let (line, rest) = self.rest.split_once('\n')?;
        self.rest = rest;
        self.number += 1;
        Some(line)
    }

    /// Returns the next line without its keyword.
    fn field(&mut self, expected: &'static str, keyword: &str) -> Result<&'a str, Error> {
        let line = self.next().and_then(|line| line.strip_prefix(keyword));
        line.ok_or_else(|| self.error(IndexProblem::Form { expected }))
    }
}

/// Reads the line of a store path. Returns the references as they stand there.
fn path_line(line: &str) -> Result<(IndexEntry, &str), IndexProblem> {
    let parts: Vec<&str> = line.split(' ').collect();
    let Ok([path, blob, blob_size, nar_hash, nar_size, unpacked, inodes, deriver, references]) =
        <[&str; 9]>::try_from(parts)
    else {
        return Err(IndexProblem::Form { expected: PATH_LINE });
    };
    let path_of = |name: &str| StorePath::from_base_name(name).or(Err(IndexProblem::StorePath));
    let entry = IndexEntry {
        path: path_of(path)?,
        blob: Sha256::from_hex(blob).or(Err(IndexProblem::Digest))?,
        blob_size: number(blob_size)?,
        nar_hash: Sha256::from_base32(nar_hash).or(Err(IndexProblem::Digest))?,
        nar_size: number(nar_size)?,
        unpacked_bytes: number(unpacked)?,
        inodes: number(inodes)?,
        deriver: if deriver == "-" { None } else { Some(path_of(deriver)?) },
        references: Vec::new(),
    };
    Ok((entry, references))
}

/// Returns the paths of references, which are numbers in order.
fn resolve(references: &str, paths: &[StorePath]) -> Result<Vec<StorePath>, IndexProblem> {
    if references == "-" {
        return Ok(Vec::new());
    }
    let mut last = None;
    let mut resolved = Vec::new();
    for reference in references.split(',') {
        let number = number(reference).or(Err(IndexProblem::Reference))?;
        let path = usize::try_from(number).ok().and_then(|number| paths.get(number));
        let path = path.filter(|_| last.is_none_or(|last| last < number));
        resolved.push(path.ok_or(IndexProblem::Reference)?.clone());
        last = Some(number);
    }
    Ok(resolved)
}

/// Reads a decimal number as `Display` writes it.
fn number(text: &str) -> Result<u64, IndexProblem> {
    let number: u64 = text.parse().or(Err(IndexProblem::Number))?;
    if number.to_string() == text { Ok(number) } else { Err(IndexProblem::Number) }
}
