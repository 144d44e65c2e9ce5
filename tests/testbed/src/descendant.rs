//! The processes that a process has started, as the kernel shows them.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// A process that another one has started, itself or through its children.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descendant {
    /// The executable.
    pub program: PathBuf,
    /// The arguments, joined by spaces.
    pub command_line: String,
    /// The variables that the process got at its start, each as `NAME=value`.
    pub environment: Vec<String>,
}

impl Descendant {
    /// Returns all descendants of a process that run a program of their own. A child that is still
    /// a copy of its parent, because it has not started its program yet, is left out.
    ///
    /// # Panics
    /// If a process exists and may not be looked at.
    pub fn all_of(ancestor: u32) -> Vec<Self> {
        let parents = parents();
        let is_descendant = |id: &u32| {
            let mut ancestors = std::iter::successors(parents.get(id), |id| parents.get(*id));
            ancestors.any(|id| *id == ancestor)
        };
        let own = program(ancestor);
        let ids = parents.keys().copied().filter(is_descendant);
        // The program is read first: a process that has left its parent's program does not return.
        ids.filter_map(|id| {
            let program = program(id).filter(|program| Some(program) != own.as_ref())?;
            let command_line = strings(id, "cmdline")?.join(" ");
            Some(Self { program, command_line, environment: strings(id, "environ")? })
        })
        .collect()
    }

    /// Returns true if one of these texts is in the arguments or in a variable.
    pub fn shows(&self, texts: &[&str]) -> bool {
        let places = self.environment.iter().chain([&self.command_line]);
        places.into_iter().any(|place| texts.iter().any(|text| place.contains(text)))
    }
}

/// Each process with its parent.
fn parents() -> BTreeMap<u32, u32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter_map(|id: u32| {
        let status = existing(fs::read_to_string(place(id, "status")))?;
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"))?;
        Some((id, parent.trim().parse().ok()?))
    })
    .collect()
}

fn place(id: u32, file: &str) -> PathBuf {
    Path::new("/proc").join(id.to_string()).join(file)
}

fn program(id: u32) -> Option<PathBuf> {
    existing(fs::read_link(place(id, "exe")))
}

/// The strings of a file that ends each one with a zero byte.
fn strings(id: u32, file: &str) -> Option<Vec<String>> {
    let bytes = existing(fs::read(place(id, file)))?;
    let strings = bytes.split(|byte| *byte == 0).filter(|string| !string.is_empty());
    Some(strings.map(|string| String::from_utf8_lossy(string).into_owned()).collect())
}

/// The bytes that were read, or nothing if the process has ended.
#[expect(clippy::panic, reason = "a process that cannot be looked at may show a secret")]
fn existing<T>(read: io::Result<T>) -> Option<T> {
    match read {
        Ok(value) => Some(value),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error()) => None,
        Err(error) => panic!("a process cannot be looked at: {error}"),
    }
}
