//! The causes of a failed `rsync`, and what to do about each.

use std::fmt;

/// Why `rsync` failed: its exit code, told apart further by what it, ssh and the far side said.
///
/// The exit codes are those of rsync(1), section "EXIT VALUES".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RsyncFailureKind {
    /// There is no `rsync` on this machine, or it cannot be started.
    ProgramMissing,
    /// 1: `rsync` was called in a way it does not understand, or one that the daemon refuses.
    Usage,
    /// 1: the daemon's module can only be read.
    ModuleReadOnly,
    /// 1 or 2: the far side does not know an option.
    UnknownOption,
    /// 1: others can read the file with the password.
    PasswordFileReadable,
    /// 1 or 4: the daemon's `refuse options` forbids an option.
    OptionRefused,
    /// 2: the two sides do not speak the same protocol, or the far side's shell prints something.
    Protocol,
    /// 3: the directory that is read from or written to cannot be used.
    FileSelection,
    /// 4 or 6: the far side is built without something that is asked for.
    Unsupported,
    /// 5: the daemon knows no such user or password.
    AuthenticationFailed,
    /// 5: the daemon has no module of this name.
    UnknownModule,
    /// 5: the daemon refuses the connection: too many, or not from this host.
    DaemonRefused,
    /// 10 or 255: nothing listens at that port.
    ConnectionRefused,
    /// 10 or 255: no host has this name.
    HostNotFound,
    /// 10 or 255: there is no way to the host, or it does not answer.
    HostUnreachable,
    /// 10: another failure of the connection.
    Socket,
    /// 11 or 23: the disk, or the quota, is full.
    StorageFull,
    /// 3, 11 or 23: the directory that is to be written to does not exist, nor the one it is in.
    DirectoryMissing,
    /// 11, 12 or 23: the account may not read or write there.
    PermissionDenied,
    /// 11 or 23: the file system that is written to is read-only.
    ReadOnlyFileSystem,
    /// 11: another failure to read or write files.
    FileIo,
    /// 12 or 255: the connection broke off.
    ConnectionLost,
    /// 12: the account may only run a certain command, which refuses this.
    RestrictedAccount,
    /// 12: `rrsync` lets only one at a time to its directory, and another was there for longer
    /// than the store waits.
    Busy,
    /// 12: the stream between the two sides is damaged, for another reason.
    Stream,
    /// 13, 14, 21 or 22: a failure within `rsync` itself, or of memory.
    Internal,
    /// 16, 19 or 20, or a signal: somebody ended it.
    Interrupted,
    /// 23: some files were not transferred.
    Partial,
    /// 24: files vanished while they were transferred.
    Vanished,
    /// 25: the far side deletes no more than it is allowed to.
    DeletionLimit,
    /// 30: nothing came for longer than the time that is allowed.
    TimedOut,
    /// 35: the daemon did not answer in time.
    ConnectionTimedOut,
    /// 124, 125 or 126: the far side's shell could not run `rsync`.
    RemoteShell,
    /// 127: there is no `rsync` on the far side.
    RsyncMissingThere,
    /// 14 or 127: there is no ssh on this machine.
    SshMissing,
    /// 255: the host's key is not known. It is never accepted unseen.
    HostKeyUnknown,
    /// 255: the host has another key than it had. Somebody may be in between.
    HostKeyChanged,
    /// 255: the host does not let this user in by the key that was offered.
    SshPermissionDenied,
    /// 255: ssh failed for another reason.
    Ssh,
    /// A code that is not known.
    Unknown,
}

impl fmt::Display for RsyncFailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::ProgramMissing => "the program cannot be started",
            Self::Usage => "the call was refused",
            Self::ModuleReadOnly => "the module can only be read",
            Self::UnknownOption => "an option is not known there",
            Self::PasswordFileReadable => "others can read the file with the password",
            Self::OptionRefused => "the daemon refuses an option",
            Self::Protocol => "the two sides do not understand each other",
            Self::FileSelection => "the directory cannot be used",
            Self::Unsupported => "the far side lacks an ability",
            Self::AuthenticationFailed => "the daemon refused the user or the password",
            Self::UnknownModule => "the daemon has no such module",
            Self::DaemonRefused => "the daemon refused the connection",
            Self::ConnectionRefused => "nothing listens there",
            Self::HostNotFound => "the host is not known",
            Self::HostUnreachable => "the host cannot be reached",
            Self::Socket => "the connection failed",
            Self::StorageFull => "there is no space left",
            Self::DirectoryMissing => "the directory does not exist",
            Self::PermissionDenied => "the account has no permission",
            Self::ReadOnlyFileSystem => "the file system is read-only",
            Self::FileIo => "a file could not be read or written",
            Self::ConnectionLost => "the connection broke off",
            Self::RestrictedAccount => "the account may not do this",
            Self::Busy => "somebody else is at work there",
            Self::Stream => "the data stream was damaged",
            Self::Internal => "rsync failed within itself",
            Self::Interrupted => "it was ended by a signal",
            Self::Partial => "not all files could be transferred",
            Self::Vanished => "files vanished meanwhile",
            Self::DeletionLimit => "the limit of deletions was reached",
            Self::TimedOut => "no data came in time",
            Self::ConnectionTimedOut => "the daemon did not answer in time",
            Self::RemoteShell => "the far side's shell could not run rsync",
            Self::RsyncMissingThere => "there is no rsync on the far side",
            Self::SshMissing => "ssh cannot be started",
            Self::HostKeyUnknown => "the host's key is not known",
            Self::HostKeyChanged => "the host's key has changed",
            Self::SshPermissionDenied => "ssh was not let in",
            Self::Ssh => "ssh failed",
            Self::Unknown => "it failed with a code that is not known",
        })
    }
}

impl RsyncFailureKind {
    /// What to do about it; `is_ssh` where ssh leads to the target.
    pub(super) fn hint(self, is_ssh: bool) -> &'static str {
        match self {
            Self::ProgramMissing => {
                "install rsync (3.1 or later), or name the program in the store's builder"
            }
            Self::Usage => "the last lines of its output say what it refuses",
            Self::ModuleReadOnly => "set `read only = no` for the module in rsyncd.conf",
            Self::UnknownOption => {
                "install rsync 3.2.4 or later on the far side, or turn `fsync` off in the store's \
                 builder if that is the option"
            }
            Self::PasswordFileReadable => {
                "let only its owner read it (`chmod 600`), and let it be this user's"
            }
            Self::OptionRefused => {
                "take the option that is named, or else deleting, out of the daemon's `refuse \
                 options`"
            }
            Self::Protocol if is_ssh => {
                "let the account's shell print nothing when it is not interactive (`ssh HOST true` \
                 has to be silent), and let rsync be installed there"
            }
            Self::Protocol => "check that an rsync daemon listens at this port",
            Self::FileSelection => "check the path of the target",
            Self::Unsupported => "install a newer rsync on the far side",
            Self::AuthenticationFailed => {
                "check the user (`auth users`) and the password (`secrets file`, which has to be \
                 readable for the daemon only)"
            }
            Self::UnknownModule => "check the module's name; `rsync rsync://HOST/` lists them",
            Self::DaemonRefused => "check `max connections` and `hosts allow` of the daemon",
            Self::ConnectionRefused => {
                if is_ssh {
                    "check the port, and that sshd runs there"
                } else {
                    "check the port, and that the rsync daemon runs there"
                }
            }
            Self::HostNotFound => "check the host's name, and this machine's name servers",
            Self::HostUnreachable | Self::ConnectionTimedOut => {
                "check the address, the network and the firewalls on the way"
            }
            Self::Socket | Self::ConnectionLost => {
                "publish again: what was sent whole is not sent again, and what was sent in part \
                 is gone on with"
            }
            Self::StorageFull => {
                "free space there or prune old releases, then publish again; what is live was not \
                 touched, and what was sent is not sent again"
            }
            Self::DirectoryMissing => {
                "check the spelling, or create the directory there; only its last part is made"
            }
            Self::PermissionDenied => "give the account write access to the directory",
            Self::ReadOnlyFileSystem => "mount it writable there; nothing was changed",
            Self::FileIo => "the last lines of its output name the file",
            Self::RestrictedAccount => {
                "let `rrsync` of the account's authorized_keys allow it: without `-ro`, and \
                 without `-wo` unless the store is told so by `write_only`; the path of the target \
                 is below the directory that rrsync names"
            }
            Self::Busy => {
                "publish again when the other one is done, or let `rrsync -no-lock` admit several"
            }
            Self::Stream => "look at the far side's log; publish again when its cause is gone",
            Self::Internal => "try again; if it stays, install another version of rsync",
            Self::Interrupted => "publish again; what was sent whole is not sent again",
            Self::Partial => "the last lines of its output name the files",
            Self::Vanished => "another publisher was at work; try again",
            Self::DeletionLimit => "raise `--max-delete` of the far side",
            Self::TimedOut => {
                "look at the network and at the load there, or raise `timeout` in the store's \
                 builder; then publish again"
            }
            Self::RemoteShell => "let the account run commands, or `rrsync`",
            Self::RsyncMissingThere => "install rsync on the far side",
            Self::SshMissing => "install OpenSSH's client, or name it in the store's builder",
            Self::HostKeyUnknown => {
                "get the host's key by a way you trust (on the host: `cat \
                 /etc/ssh/ssh_host_ed25519_key.pub`), and give it to the store by `host_key`, or \
                 add it to the known_hosts file; compare what `ssh-keyscan` shows before you \
                 believe it"
            }
            Self::HostKeyChanged => {
                "ask who runs the host whether it was set up anew; only then replace its key in \
                 known_hosts (`ssh-keygen -R HOST`) or in the store's `host_key`"
            }
            Self::SshPermissionDenied => {
                "add the public key of the identity file to the account's authorized_keys, and \
                 check the user's name"
            }
            Self::Ssh => "the last lines say why; `ssh -v` to the same host shows more",
            Self::Unknown => "the last lines of its output may say why",
        }
    }
}
