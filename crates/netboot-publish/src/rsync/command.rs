//! How `rsync` is called.

use super::settings::{Settings, seconds};
use super::version::RsyncVersion;
use super::work_directory::{FILES, PASSWORD, SSH_CONFIG};

/// The arguments of one call. All paths in them are names in the directory that it runs in.
#[derive(Debug)]
pub(super) struct Arguments(Vec<String>);

impl Arguments {
    /// What every call has.
    pub(super) fn new(settings: &Settings, version: RsyncVersion) -> Self {
        let mut arguments = Self(vec![
            "--no-motd".to_owned(),
            // Numbers as such, without units.
            "--no-h".to_owned(),
            format!("--timeout={}", seconds(settings.timeout)),
        ]);
        if version.has_stderr() {
            // What the far side says comes with its data, and so before its end.
            arguments.add("--stderr=client");
        }
        if settings.target.is_ssh() {
            let ssh = settings.ssh.to_string_lossy();
            arguments.add(format!("--rsh={} -F {SSH_CONFIG} -T", quoted(&ssh)));
        } else {
            arguments.add(format!("--contimeout={}", seconds(settings.connect_timeout)));
            // The two sides exchange many small messages, which wait for each other otherwise.
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

    /// Goes by the list of names, and makes no directories but those that it names.
    pub(super) fn by_names(&mut self) {
        self.add_all(["--from0", "--no-implied-dirs"]);
        self.add(format!("--files-from={FILES}"));
    }

    /// What every call that writes has.
    pub(super) fn writing(&mut self, settings: &Settings, version: RsyncVersion, fsync: bool) {
        if let Some(limit) = settings.bandwidth_limit {
            // In units of 1024 bytes.
            self.add(format!("--bwlimit={}", limit / 1024));
        }
        if fsync && version.has_fsync() {
            self.add("--fsync");
        }
    }

    /// The whole, with the operands that none of the options can take for one of them.
    pub(super) fn with_operands(mut self, from: &str, to: &str) -> Vec<String> {
        self.0.extend(["--", from, to].map(str::to_owned));
        self.0
    }
}

/// A word of the command that `rsync` splits at spaces: within single quotes, where a doubled one
/// stands for itself (rsync(1), `--rsh`).
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "''"))
}
