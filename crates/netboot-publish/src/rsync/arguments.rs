//! The arguments of `rsync`.

use super::settings::{Settings, seconds};
use super::version::RsyncVersion;
use super::work_directory::{FILES, PASSWORD, SSH_CONFIG};

/// The arguments of one call. All their paths are relative to the directory that `rsync` runs in.
#[derive(Debug)]
pub(super) struct Arguments(Vec<String>);

impl Arguments {
    /// The arguments of every call.
    pub(super) fn new(settings: &Settings, version: RsyncVersion) -> Self {
        let mut arguments = Self(vec![
            "--no-motd".to_owned(),
            // Prints numbers without units.
            "--no-h".to_owned(),
            format!("--timeout={}", seconds(settings.timeout)),
        ]);
        if version.has_stderr() {
            // The far side's messages arrive with its data, and so before its end.
            arguments.add("--stderr=client");
        }
        if settings.target.is_ssh() {
            let ssh = settings.ssh.to_string_lossy();
            arguments.add(format!("--rsh={} -F {SSH_CONFIG} -T", quoted(&ssh)));
        } else {
            arguments.add(format!("--contimeout={}", seconds(settings.connect_timeout)));
            // The two sides exchange many small messages, which the network would delay.
            arguments.add("--sockopts=TCP_NODELAY");
        }
        if settings.password.is_some() {
            arguments.add(format!("--password-file={PASSWORD}"));
        }
        arguments
    }

    pub(super) fn add(&mut self, argument: impl Into<String>) {
        self.0.push(argument.into());
    }

    pub(super) fn add_all<'a>(&mut self, arguments: impl IntoIterator<Item = &'a str>) {
        self.0.extend(arguments.into_iter().map(str::to_owned));
    }

    /// Transfers the files in the list of names, and creates only the directories in that list.
    pub(super) fn by_names(&mut self) {
        self.add_all(["--from0", "--no-implied-dirs"]);
        self.add(format!("--files-from={FILES}"));
    }

    /// Adds the arguments of every call that writes.
    pub(super) fn writing(&mut self, settings: &Settings, version: RsyncVersion, fsync: bool) {
        if let Some(limit) = settings.bandwidth_limit {
            // The unit is 1024 bytes.
            self.add(format!("--bwlimit={}", limit / 1024));
        }
        if fsync && version.has_fsync() {
            self.add("--fsync");
        }
    }

    /// Returns all arguments. `--` keeps `rsync` from reading an operand as an option.
    pub(super) fn with_operands(mut self, from: &str, to: &str) -> Vec<String> {
        self.0.extend(["--", from, to].map(str::to_owned));
        self.0
    }
}

/// Quotes a word of the command that `rsync` splits at spaces: single quotes around it, and each
/// single quote in it doubled (rsync(1), `--rsh`).
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "''"))
}
