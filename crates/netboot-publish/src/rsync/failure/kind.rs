//! The causes of a failed `rsync`, and the remedy for each.

use std::fmt;

/// The reason why `rsync` failed, found from its exit code and from what it, ssh and the far side
/// printed.
///
/// The exit codes are those of rsync(1), section "EXIT VALUES".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RsyncFailureKind {
    /// There is no `rsync` on this machine, or it cannot be started.
    ProgramMissing,
    /// 1: `rsync` does not understand how it was called, or the daemon refuses it.
    Usage,
    /// 1: the daemon's module is read-only.
    ModuleReadOnly,
    /// 1 or 2: the far side does not know an option.
    UnknownOption,
    /// 1: other users can read the password file.
    PasswordFileReadable,
    /// 1 or 4: the daemon's `refuse options` forbids an option.
    OptionRefused,
    /// 2: the two sides speak different protocols, or the far side's shell prints something.
    Protocol,
    /// 3: `rsync` cannot use the source or the target directory.
    FileSelection,
    /// 4 or 6: the far side is built without a feature that was requested.
    Unsupported,
    /// 5: the daemon does not accept the user or the password.
    AuthenticationFailed,
    /// 5: the daemon has no module of this name.
    UnknownModule,
    /// 5: the daemon refuses the connection: it does not allow this host.
    DaemonRefused,
    /// 10 or 255: no server listens on that port.
    ConnectionRefused,
    /// 10 or 255: no host has this name.
    HostNotFound,
    /// 10 or 255: the network has no route to the host, or the host does not answer.
    HostUnreachable,
    /// 10: the connection failed for another reason.
    Socket,
    /// 11 or 23: the disk is full, or the quota is used up.
    StorageFull,
    /// 3, 11 or 23: the target directory and its parent do not exist.
    DirectoryMissing,
    /// 11, 12 or 23: the account has no permission to read or write there.
    PermissionDenied,
    /// 11 or 23: the file system of the target is read-only.
    ReadOnlyFileSystem,
    /// 11: a file cannot be read or written for another reason.
    FileIo,
    /// 12 or 255: the connection was lost.
    ConnectionLost,
    /// 12: the account may only run one command, and that command refuses the request.
    RestrictedAccount,
    /// 5 or 12: the daemon has its maximum number of connections, or `rrsync` admits only one
    /// client at a time, and the others stayed longer than the store waits.
    Busy,
    /// 12: the stream between the two sides is damaged, for another reason.
    Stream,
    /// 13, 14, 21 or 22: an internal error of `rsync`, or lack of memory.
    Internal,
    /// 16, 19 or 20, or a signal: someone stopped `rsync`.
    Interrupted,
    /// 23: some files were not transferred.
    Partial,
    /// 24: files disappeared during the transfer.
    Vanished,
    /// 25: the far side reached its limit of deletions.
    DeletionLimit,
    /// 30: no data arrived within the timeout.
    TimedOut,
    /// 35: the daemon did not answer in time.
    ConnectionTimedOut,
    /// 124, 125 or 126: the far side's shell cannot run `rsync`.
    RemoteShell,
    /// 127: the far side has no `rsync`.
    RsyncMissingThere,
    /// 14 or 127: this machine has no ssh.
    SshMissing,
    /// 255: the host's key is not known. The store never accepts an unknown key.
    HostKeyUnknown,
    /// 255: the host's key has changed. Someone may intercept the connection.
    HostKeyChanged,
    /// 255: the host does not accept the key that this user offers.
    SshPermissionDenied,
    /// 255: ssh failed for another reason.
    Ssh,
    /// An unknown exit code.
    Unknown,
}

impl fmt::Display for RsyncFailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::ProgramMissing => "the program cannot be started",
            Self::Usage => "rsync was called incorrectly",
            Self::ModuleReadOnly => "the module is read-only",
            Self::UnknownOption => "the far side does not know an option",
            Self::PasswordFileReadable => "other users can read the password file",
            Self::OptionRefused => "the daemon refuses an option",
            Self::Protocol => "the two sides do not speak the same protocol",
            Self::FileSelection => "the directory cannot be used",
            Self::Unsupported => "the far side lacks a feature",
            Self::AuthenticationFailed => "the daemon refused the user or the password",
            Self::UnknownModule => "the daemon has no such module",
            Self::DaemonRefused => "the daemon refused the connection",
            Self::ConnectionRefused => "no server listens on that port",
            Self::HostNotFound => "the host name cannot be resolved",
            Self::HostUnreachable => "the host cannot be reached",
            Self::Socket => "the connection failed",
            Self::StorageFull => "there is no space left",
            Self::DirectoryMissing => "the directory does not exist",
            Self::PermissionDenied => "the account has no permission",
            Self::ReadOnlyFileSystem => "the file system is read-only",
            Self::FileIo => "a file could not be read or written",
            Self::ConnectionLost => "the connection was lost",
            Self::RestrictedAccount => "the account may not do this",
            Self::Busy => "other clients are using the directory",
            Self::Stream => "the data stream was damaged",
            Self::Internal => "rsync had an internal error",
            Self::Interrupted => "rsync was stopped",
            Self::Partial => "not all files could be transferred",
            Self::Vanished => "files disappeared during the transfer",
            Self::DeletionLimit => "the far side reached its limit of deletions",
            Self::TimedOut => "no data arrived in time",
            Self::ConnectionTimedOut => "the daemon did not answer in time",
            Self::RemoteShell => "the far side's shell cannot run rsync",
            Self::RsyncMissingThere => "the far side has no rsync",
            Self::SshMissing => "ssh cannot be started",
            Self::HostKeyUnknown => "the host's key is not known",
            Self::HostKeyChanged => "the host's key has changed",
            Self::SshPermissionDenied => "the host refused the ssh key",
            Self::Ssh => "ssh failed",
            Self::Unknown => "rsync ended with an unknown exit code",
        })
    }
}

impl RsyncFailureKind {
    /// The remedy. `is_ssh` is true if ssh leads to the target.
    #[expect(clippy::too_many_lines, reason = "one sentence for each kind")]
    pub(super) fn hint(self, is_ssh: bool) -> &'static str {
        match self {
            Self::ProgramMissing => {
                "install rsync (3.1 or later), or name the program in the store's builder"
            }
            Self::Usage => "read in the last lines of its output what it refuses",
            Self::ModuleReadOnly => "set `read only = no` for the module in rsyncd.conf",
            Self::UnknownOption => {
                "install rsync 3.2.4 or later on the far side; if the option is `fsync`, you can \
                 also turn it off in the store's builder"
            }
            Self::PasswordFileReadable => {
                "let this user own the file, and nobody else read it (`chmod 600`)"
            }
            Self::OptionRefused => {
                "remove the named option from the daemon's `refuse options`; if none is named, \
                 remove `delete`"
            }
            Self::Protocol if is_ssh => {
                "install rsync there, let the account run it, and make sure that its shell prints \
                 nothing when it is not interactive: `ssh HOST true` must succeed and be silent"
            }
            Self::Protocol => "check that an rsync daemon listens on this port",
            Self::FileSelection => "check the path of the target",
            Self::Unsupported => "install a newer rsync on the far side",
            Self::AuthenticationFailed => {
                "check the user (`auth users`) and the password (`secrets file`, which only the \
                 daemon may be able to read)"
            }
            Self::UnknownModule => {
                "check the module's name; `rsync rsync://HOST/` lists the modules"
            }
            Self::DaemonRefused => "check `hosts allow` and `hosts deny` of the daemon",
            Self::ConnectionRefused => {
                if is_ssh {
                    "check the port, and that sshd is running there"
                } else {
                    "check the port, and that the rsync daemon is running there"
                }
            }
            Self::HostNotFound => "check the host name and this machine's name servers",
            Self::HostUnreachable | Self::ConnectionTimedOut => {
                "check the address, the network, and the firewalls in between"
            }
            Self::Socket | Self::ConnectionLost => {
                "publish again: complete files are not sent again, and a partial file is continued"
            }
            Self::StorageFull => {
                "free space or inodes there (`df` and `df -i` show which of the two is used up) or \
                 prune old releases, then publish again; the live release was not changed, and \
                 files that arrived are not sent again"
            }
            Self::DirectoryMissing => {
                "check the spelling, or create the directory there; netboot creates only its last \
                 part"
            }
            Self::PermissionDenied => "give the account write access to the directory",
            Self::ReadOnlyFileSystem => "mount it writable there; netboot changed nothing",
            Self::FileIo => "read the name of the file in the last lines of its output",
            Self::RestrictedAccount => {
                "correct the `rrsync` command in the account's authorized_keys: remove `-ro`, and \
                 use `-wo` only if the store is set to `write_only`; the target's path starts at \
                 the directory that rrsync names"
            }
            Self::Busy if !is_ssh => {
                "publish again when the other clients are done, or raise `max connections` in \
                 rsyncd.conf"
            }
            Self::Busy => {
                "publish again when the other client is done, or run `rrsync -no-lock` to admit \
                 several"
            }
            Self::Stream => "read the cause in the far side's log, remove it, and publish again",
            Self::Internal => "try again; if it fails again, install another version of rsync",
            Self::Interrupted => "publish again; complete files are not sent again",
            Self::Partial => "read the names of the files in the last lines of its output",
            Self::Vanished => "try again: another publisher was deleting files",
            Self::DeletionLimit => "raise `--max-delete` of the far side",
            Self::TimedOut => {
                "check the network and the load of that machine, or raise `timeout` in the store's \
                 builder; then publish again"
            }
            Self::RemoteShell => "allow the account to run commands, or to run `rrsync`",
            Self::RsyncMissingThere => "install rsync on the far side",
            Self::SshMissing => {
                "install the OpenSSH client, or name the program in the store's builder"
            }
            Self::HostKeyUnknown => {
                "get the host's key in a way that you trust (on the host: `cat \
                 /etc/ssh/ssh_host_ed25519_key.pub`), and give it to the store with `host_key` or \
                 add it to the known_hosts file; do not trust the output of `ssh-keyscan` before \
                 you compare it"
            }
            Self::HostKeyChanged => {
                "ask the host's administrator if it was reinstalled; only then replace its key in \
                 known_hosts (`ssh-keygen -R HOST`) or in the store's `host_key`"
            }
            Self::SshPermissionDenied => {
                "add the public key of the identity file to the account's authorized_keys, and \
                 check the user's name"
            }
            Self::Ssh => "read the cause in the last lines; `ssh -v` to the same host shows more",
            Self::Unknown => "look for the cause in the last lines of its output",
        }
    }
}
