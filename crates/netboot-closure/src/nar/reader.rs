//! Reading archives strictly.

use std::io::Read;

use crate::error::Error;
use crate::nar::problem::NarProblem;
use crate::nar::summary::NarSummary;
use crate::nar::wire::{KEYWORD_LIMIT, MAGIC, WireReader};

/// The greatest length of a name in bytes (`NAME_MAX` in Linux).
const NAME_LIMIT: u64 = 255;

/// The greatest length of a link's target in bytes (`PATH_MAX` in Linux, without the zero byte).
const TARGET_LIMIT: u64 = 4095;

/// The sizes that an archive may have. A reader stops at the first byte or node beyond them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "these three numbers bound the tree")]
pub struct NarLimits {
    /// The greatest size of the archive in bytes.
    pub nar_size: u64,
    /// The greatest number of files, directories and symbolic links.
    pub inodes: u64,
    /// The greatest depth of nested directories.
    pub depth: usize,
}

impl Default for NarLimits {
    /// Allows a terabyte, 100 million nodes, and a depth of 1,000 directories.
    fn default() -> Self {
        Self { nar_size: 1 << 40, inodes: 100_000_000, depth: 1000 }
    }
}

/// A part of an archive's tree. A name is one component of a path; the root has none.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the format has these parts and no others")]
pub enum NarEvent {
    /// A directory starts. Its entries follow, in the order of their names.
    Directory {
        /// The name.
        name: Option<Vec<u8>>,
    },
    /// A regular file. [`NarReader::read_contents`] reads its contents.
    File {
        /// The name.
        name: Option<Vec<u8>>,
        /// True if the file is executable.
        executable: bool,
        /// The size in bytes.
        size: u64,
    },
    /// A symbolic link.
    Symlink {
        /// The name.
        name: Option<Vec<u8>>,
        /// The target. It may be any path, also one that leads out of the archive.
        target: Vec<u8>,
    },
    /// The innermost directory ends.
    DirectoryEnd,
}

/// Reads an archive from a source that nobody needs to trust.
///
/// The reader accepts only archives that Nix writes: names in order, no name twice, no name that
/// leads elsewhere, zeros as padding, and nothing after the end. It allocates a few kilobytes for
/// each open directory, whatever lengths the archive claims.
///
/// ```
/// use netboot_closure::nar::{self, NarEvent, NarLimits, NarReader};
///
/// # let directory = tempfile::tempdir()?;
/// # let file = directory.path().join("greeting");
/// std::fs::write(&file, "hello\n")?;
/// let mut archive = Vec::new();
/// nar::dump(&file, &mut archive)?;
///
/// let mut reader = NarReader::new(&archive[..], NarLimits::default());
/// let event = reader.next_event()?;
/// assert_eq!(event, Some(NarEvent::File { name: None, executable: false, size: 6 }));
/// let mut buffer = [0; 100];
/// assert_eq!(reader.read_contents(&mut buffer)?, 6);
/// assert_eq!(reader.next_event()?, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct NarReader<R> {
    wire: WireReader<R>,
    limits: NarLimits,
    /// The last name of each open directory.
    open: Vec<Option<Vec<u8>>>,
    state: State,
    summary: NarSummary,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Start,
    /// A file of this size is open, and this many bytes of its contents are left.
    Contents {
        size: u64,
        left: u64,
    },
    /// The next string is the end of the innermost directory, or its next entry.
    InDirectory,
    End,
}

impl<R: Read> NarReader<R> {
    /// Reads the archive in `source`. The reader needs no buffer around a source that is in memory,
    /// and should get one around a file or a connection.
    pub fn new(source: R, limits: NarLimits) -> Self {
        let wire = WireReader::new(source, limits.nar_size);
        Self { wire, limits, open: Vec::new(), state: State::Start, summary: NarSummary::default() }
    }

    /// The sizes of what was read until now. After the end, they describe the whole archive.
    pub fn summary(&self) -> NarSummary {
        NarSummary { nar_size: self.wire.offset, ..self.summary }
    }

    /// Reads the next part of the tree, and skips contents of a file that the caller has not read.
    /// Returns `None` after the end of the archive.
    ///
    /// # Errors
    /// [`Error::Nar`], and [`Error::ReadNar`] if the source fails. Do not use the reader after an
    /// error.
    pub fn next_event(&mut self) -> Result<Option<NarEvent>, Error> {
        if let State::Contents { .. } = self.state {
            let mut skipped = [0; 4096];
            while self.read_contents(&mut skipped)? != 0 {}
        }
        match self.state {
            State::Start => {
                self.wire.expect(&[MAGIC], "`nix-archive-1`")?;
                self.node(None).map(Some)
            }
            State::InDirectory => {
                if let Some(name) = self.entry()? {
                    return self.node(Some(name)).map(Some);
                }
                self.open.pop();
                self.node_end()?;
                Ok(Some(NarEvent::DirectoryEnd))
            }
            State::Contents { .. } | State::End => Ok(None),
        }
    }

    /// Reads some contents of the file that [`next_event`](Self::next_event) returned last. Returns
    /// 0 at the end of the file.
    ///
    /// # Errors
    /// The errors of [`next_event`](Self::next_event).
    pub fn read_contents(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        let State::Contents { size, left } = self.state else { return Ok(0) };
        if left == 0 {
            self.wire.pad(size)?;
            self.wire.expect(&[b")"], "the end of a file")?;
            self.node_end()?;
            return Ok(0);
        }
        if buffer.is_empty() {
            return Ok(0);
        }
        let wanted = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let length = self.wire.read(&mut buffer[..wanted])?;
        if length == 0 {
            return Err(self.wire.error(NarProblem::Truncated));
        }
        self.state = State::Contents { size, left: left - length as u64 };
        Ok(length)
    }

    /// Reads the start of a node, up to a file's contents or a directory's first entry.
    fn node(&mut self, name: Option<Vec<u8>>) -> Result<NarEvent, Error> {
        const KINDS: &str = "`regular`, `symlink` or `directory`";
        self.wire.expect(&[b"(", b"type"], "the start of a file")?;
        if self.summary.inodes >= self.limits.inodes {
            return Err(self.wire.error(NarProblem::TooManyNodes { limit: self.limits.inodes }));
        }
        match &self.wire.string(KEYWORD_LIMIT)?[..] {
            b"directory" => {
                if self.open.len() >= self.limits.depth {
                    return Err(self.wire.error(NarProblem::TooDeep { limit: self.limits.depth }));
                }
                self.summary.inodes += 1;
                self.open.push(None);
                self.state = State::InDirectory;
                Ok(NarEvent::Directory { name })
            }
            b"symlink" => {
                self.summary.inodes += 1;
                self.wire.expect(&[b"target"], "`target`")?;
                let target = self.wire.string(TARGET_LIMIT)?;
                if target.is_empty() || target.contains(&0) {
                    return Err(self.wire.error(NarProblem::Target));
                }
                self.wire.expect(&[b")"], "the end of a symbolic link")?;
                self.node_end()?;
                Ok(NarEvent::Symlink { name, target })
            }
            b"regular" => self.file(name),
            _ => Err(self.wire.error(NarProblem::Unexpected { expected: KINDS })),
        }
    }

    fn file(&mut self, name: Option<Vec<u8>>) -> Result<NarEvent, Error> {
        const PARTS: &str = "`executable`, `contents` or the end of a file";
        let mut part = self.wire.string(KEYWORD_LIMIT)?;
        let executable = part == b"executable";
        if executable {
            self.wire.expect(&[b""], "an empty string")?;
            part = self.wire.string(KEYWORD_LIMIT)?;
        }
        if part != b"contents" {
            return Err(self.wire.error(NarProblem::Unexpected { expected: PARTS }));
        }
        let size = self.wire.length()?;
        self.summary.count_file(size);
        self.state = State::Contents { size, left: size };
        Ok(NarEvent::File { name, executable, size })
    }

    /// Reads the start of a directory's entry and its name, or the end of the directory.
    fn entry(&mut self) -> Result<Option<Vec<u8>>, Error> {
        match &self.wire.string(KEYWORD_LIMIT)?[..] {
            b")" => return Ok(None),
            b"entry" => {}
            _ => {
                let expected = "`entry` or the end of a directory";
                return Err(self.wire.error(NarProblem::Unexpected { expected }));
            }
        }
        self.wire.expect(&[b"(", b"name"], "the name of an entry")?;
        let name = self.wire.string(NAME_LIMIT)?;
        let printable = || name.escape_ascii().to_string();
        let leads_elsewhere = matches!(&name[..], b"" | b"." | b"..");
        if leads_elsewhere || name.iter().any(|byte| matches!(byte, b'/' | 0)) {
            return Err(self.wire.error(NarProblem::Name { name: printable() }));
        }
        if let Some(last) = self.open.last_mut() {
            if last.as_ref().is_some_and(|last| *last >= name) {
                return Err(self.wire.error(NarProblem::Order { name: printable() }));
            }
            *last = Some(name.clone());
        }
        self.wire.expect(&[b"node"], "`node`")?;
        Ok(Some(name))
    }

    /// Ends the entry that a node is in. After the root, checks that nothing follows.
    fn node_end(&mut self) -> Result<(), Error> {
        if !self.open.is_empty() {
            self.state = State::InDirectory;
            return self.wire.expect(&[b")"], "the end of an entry");
        }
        self.state = State::End;
        match self.wire.read(&mut [0]) {
            Ok(0) => Ok(()),
            Ok(_) => Err(self.wire.error(NarProblem::TrailingBytes)),
            Err(error) => Err(error),
        }
    }
}
