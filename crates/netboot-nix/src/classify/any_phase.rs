//! Causes in every phase: the network, the disk, permissions, the daemon and signals.

use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use foreign_text::ForeignText;

use crate::classify::text::{is_about_git, own_words, path_before, quoted_after};
use crate::error::Error;
use crate::error::subject::Subject;
use crate::nix_output::{NixOutput, end_by_signal};
use crate::redaction::without_credentials;

/// Messages of git and ssh about the network.
const OF_GIT: [&str; 14] = [
    "fatal: unable to access '",
    "Could not resolve host",
    "ssh: connect to host",
    "ssh: Could not resolve hostname",
    "Connection refused",
    "Connection timed out",
    "Connection reset",
    "Operation timed out",
    "Network is unreachable",
    "No route to host",
    "Connection closed by",
    "The requested URL returned error: 5",
    "early EOF",
    "unable to connect to",
];

/// The known facts about a failed program.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failure<'a> {
    pub(super) subject: &'a Subject,
    pub(super) nix_output: &'a NixOutput,
    pub(super) status: ExitStatus,
    pub(super) build_log: Option<&'a Path>,
}

impl Failure<'_> {
    fn build_log(&self) -> Option<PathBuf> {
        self.build_log.map(Path::to_owned)
    }

    pub(super) fn feature_disabled(&self) -> Option<Error> {
        let message = self.nix_output.find(&["experimental Nix feature"])?;
        let feature = quoted_after(message, "experimental Nix feature")?.to_owned();
        Some(Error::FeatureDisabled { subject: self.subject.clone(), feature })
    }

    pub(super) fn network(&self) -> Option<Error> {
        let texts = ["unable to download '", "Failed to fetch git repo"];
        let (of_nix, of_git) = (self.nix_output.find(&texts), self.nix_output.line_with(&OF_GIT));
        // A repository that git refuses is no fault of the network.
        let of_nix =
            of_nix.filter(|message| of_git.is_some() || message.contains("unable to download '"));
        let last = self.nix_output.last().map(|message| message.text.as_str());
        // If git failed, Nix's own last message is about git.
        let of_git = of_git.filter(|_| of_nix.is_some() || last.is_none_or(is_about_git));
        if of_nix.is_none() && of_git.is_none() {
            return None;
        }
        let url = of_nix
            .and_then(|message| {
                let found = quoted_after(message, "unable to download");
                found.or_else(|| quoted_after(message, "Failed to fetch git repository"))
            })
            .or_else(|| quoted_after(of_git?, "unable to access"))
            .or_else(|| quoted_after(last?, "repository"))
            .filter(|url| !url.is_empty())
            .map(without_credentials)
            .or_else(|| host_of(of_git?).map(|host| format!("ssh://{host}")));
        // Git and Nix read a path of this machine without the network.
        if url.as_deref().is_some_and(|url| url.starts_with("file:") || url.starts_with('/')) {
            return None;
        }
        let words: Vec<&str> = of_nix.or(last).into_iter().chain(of_git).collect();
        Some(Error::Network {
            subject: self.subject.clone(),
            url,
            proxy: None,
            message: words.join(": ").into(),
            build_log: self.build_log(),
        })
    }

    pub(super) fn disk_full(&self, last_lines: Vec<ForeignText>) -> Option<Error> {
        // The last two are messages of SQLite, which holds Nix's database.
        let texts = [
            "No space left on device",
            "lack of free disk space",
            "database or disk is full",
            "disk I/O error",
        ];
        let mut of_nix = self.nix_output.texts().map(own_words);
        let is_full = of_nix.any(|message| texts.iter().any(|text| message.contains(text)));
        let line = self.nix_output.line_with(&texts);
        (is_full || line.is_some()).then(|| Error::DiskFull {
            subject: self.subject.clone(),
            message: self
                .nix_output
                .last()
                .map(|message| own_words(&message.text))
                .or(line)
                .unwrap_or_default()
                .into(),
            last_lines,
            build_log: self.build_log(),
        })
    }

    pub(super) fn permission_denied(&self) -> Option<Error> {
        if let Some(error) = self.read_only_database() {
            return Some(error);
        }
        let reasons =
            [": Permission denied", ": Operation not permitted", ": Read-only file system"];
        let lines = self.nix_output.lines.iter();
        let (path, message) = self.nix_output.texts().chain(lines).find_map(|message| {
            let own = own_words(message);
            // A file that Nix itself makes is not one of the flake.
            let is_made =
                ["creating ", "opening lock file", "'/"].iter().any(|it| own.starts_with(it));
            let missing =
                [": No such file or directory", ": Not a directory", " is not a directory"];
            let missing = missing.iter().filter(|_| is_made);
            reasons.iter().chain(missing).find_map(|reason| Some((path_before(own, reason)?, own)))
        })?;
        Some(self.denied(path, message))
    }

    /// The error for a database of Nix, such as the one of its cache, that it may not write.
    fn read_only_database(&self) -> Option<Error> {
        let message = self.nix_output.find(&["attempt to write a readonly database"])?;
        Some(self.denied(quoted_after(message, "database (in").unwrap_or_default(), message))
    }

    fn denied(&self, path: &str, message: &str) -> Error {
        Error::PermissionDenied {
            subject: self.subject.clone(),
            path: path.into(),
            message: message.trim().into(),
            build_log: self.build_log(),
        }
    }

    pub(super) fn daemon_unreachable(&self) -> Option<Error> {
        let message = self.nix_output.find(&["cannot connect to socket at"])?;
        let socket = quoted_after(message, "cannot connect to socket at").unwrap_or_default();
        Some(Error::DaemonUnreachable {
            socket: socket.into(),
            message: message.into(),
            build_log: self.build_log(),
        })
    }

    pub(super) fn unsigned(&self) -> Option<Error> {
        let texts =
            ["not signed by any of the keys", "lacks a valid signature", "lacks a signature"];
        let message = self.nix_output.find(&texts)?;
        let path =
            ["path", "substitute for"].iter().find_map(|before| quoted_after(message, before));
        Some(Error::Unsigned {
            path: path.unwrap_or_default().to_owned(),
            message: message.into(),
            build_log: self.build_log(),
        })
    }

    pub(super) fn interrupted(&self) -> Option<Error> {
        let message = self.nix_output.find(&["interrupted by the user"]).map(ForeignText::from);
        let by_signal = || {
            let end = end_by_signal(self.status)?;
            let words = self.nix_output.crash.iter().map(|words| format!(": {words}"));
            Some(std::iter::once(end).chain(words).collect::<String>().into())
        };
        let message: ForeignText = message.or_else(by_signal)?;
        Some(Error::Interrupted {
            subject: self.subject.clone(),
            message,
            build_log: self.build_log(),
        })
    }
}

/// The host in a message of ssh, such as `ssh: connect to host example.org port 22: …`.
fn host_of(message: &str) -> Option<&str> {
    let texts = ["connect to host ", "resolve hostname ", "Connection closed by "];
    let rest = texts.iter().find_map(|text| message.split_once(text))?.1;
    rest.split([' ', ':']).next().filter(|host| !host.is_empty())
}
