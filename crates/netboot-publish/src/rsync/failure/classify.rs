//! Finds the cause of a failure from the exit code and the last lines of standard error.

use foreign_text::ForeignText;

use super::kind::RsyncFailureKind as Kind;

/// The cause of a failure with this exit code and these last lines. The code is `None` after a
/// signal.
pub(super) fn classify(code: Option<i32>, lines: &[ForeignText]) -> Kind {
    let text = lines.join("\n");
    let has = |needle: &str| text.contains(needle);
    // Messages are translated; the number is not.
    let errno = |number: u32| text.contains(&format!("({number})"));
    let Some(code) = code else { return Kind::Interrupted };
    if let Some(kind) = ssh(code, &text) {
        return kind;
    }
    if let Some(kind) = words(&text) {
        return kind;
    }
    match code {
        1 if has("is read only") => Kind::ModuleReadOnly,
        1 | 2 if has("unknown option") => Kind::UnknownOption,
        1 if has("password file") => Kind::PasswordFileReadable,
        1 | 4 if has("refuse") => Kind::OptionRefused,
        1 => Kind::Usage,
        // A far side that cannot delete gets files to delete with this mode.
        2 if has("invalid file mode 00") => Kind::OptionRefused,
        2 => Kind::Protocol,
        3 | 11 | 23 if errno(28) || errno(122) => Kind::StorageFull,
        3 | 11 | 23 if errno(30) => Kind::ReadOnlyFileSystem,
        3 | 11 | 23 if errno(13) || errno(1) => Kind::PermissionDenied,
        3 | 11 if errno(2) => Kind::DirectoryMissing,
        12 | 23 if has("change_dir") && errno(2) => Kind::DirectoryMissing,
        3 => Kind::FileSelection,
        4 | 6 => Kind::Unsupported,
        5 if has("auth failed") || has("password") => Kind::AuthenticationFailed,
        5 if has("Unknown module") => Kind::UnknownModule,
        5 if has("chroot") || has("chdir") => Kind::DirectoryMissing,
        5 if has("max connections") => Kind::Busy,
        5 if has("rather than greeting") => Kind::Protocol,
        5 => Kind::DaemonRefused,
        10 => socket(&text),
        11 => Kind::FileIo,
        12 | 14 if has("Failed to exec") => Kind::SshMissing,
        12 if has("Another instance of rrsync") => Kind::Busy,
        12 if has("rrsync") => Kind::RestrictedAccount,
        12 if errno(13) => Kind::PermissionDenied,
        // This is the shell's own message. A message about a file has a number.
        12 if has(": Permission denied") => Kind::RemoteShell,
        12 if has("not found") || (has(": No such file or directory") && !errno(2)) => {
            Kind::RsyncMissingThere
        }
        12 => match code_there(&text) {
            Some(code) => classify(Some(code), lines),
            None if has("connection unexpectedly closed") || errno(104) || errno(32) => {
                Kind::ConnectionLost
            }
            None => Kind::Stream,
        },
        13 | 14 | 21 | 22 => Kind::Internal,
        16 | 19 | 20 => Kind::Interrupted,
        23 => Kind::Partial,
        24 => Kind::Vanished,
        25 => Kind::DeletionLimit,
        30 => Kind::TimedOut,
        35 => Kind::ConnectionTimedOut,
        124..=126 => Kind::RemoteShell,
        127 => Kind::RsyncMissingThere,
        // A shared connection ends without a message of ssh.
        255 if !has("ssh: ")
            && (has("connection unexpectedly closed") || errno(104) || errno(32)) =>
        {
            Kind::ConnectionLost
        }
        255 => Kind::Ssh,
        _ => Kind::Unknown,
    }
}

/// The codes with which a far side ends because of something that is there.
const CODES_THERE: [i32; 11] = [1, 2, 3, 4, 6, 11, 13, 14, 21, 22, 25];

/// Finds the code with which the far side ended, if it said so before the connection was closed.
fn code_there(text: &str) -> Option<i32> {
    let code = |line: &str| -> Option<i32> {
        let (_, rest) = line.strip_prefix("rsync error: ")?.split_once("(code ")?;
        rest.split(')').next()?.parse().ok()
    };
    text.lines().filter_map(code).find(|code| CODES_THERE.contains(code))
}

/// The words of `rrsync`, which may have another name, and of rssh for a request that they refuse.
/// The first two are those of the older `rrsync`, which is written in Perl.
const RESTRICTED: [&str; 7] = [
    "sending to read-only server not allowed",
    "reading from write-only server not allowed",
    "sending to read-only server is not allowed",
    "reading from write-only server is not allowed",
    "SSH_ORIGINAL_COMMAND does not run rsync",
    "invalid rsync-command syntax or options",
    "restricted by rssh",
];

/// Finds the cause in words that say it whatever the code is: other implementations of `rsync`, and
/// shells in front of it, end with codes of their own.
fn words(text: &str) -> Option<Kind> {
    let has = |needle: &str| text.contains(needle);
    let errno = |number: u32| text.contains(&format!("({number})"));
    // openrsync, which macOS calls `rsync(PID)`, gives the words of the operating system, but not
    // its number.
    let says = |words: &str| {
        let is_it = |line: &str| line.starts_with("openrsync") || line.starts_with("rsync(");
        text.lines().any(|line| is_it(line) && line.trim_end().ends_with(words))
    };
    Some(if has("@ERROR: auth failed") {
        Kind::AuthenticationFailed
    } else if has("@ERROR: Unknown module") {
        Kind::UnknownModule
    } else if has("@ERROR: max connections") {
        Kind::Busy
    } else if has("@ERROR: access denied") {
        Kind::DaemonRefused
    } else if has("@ERROR: chroot failed") || has("@ERROR: chdir failed") {
        Kind::DirectoryMissing
    } else if RESTRICTED.iter().any(|words| has(words)) {
        Kind::RestrictedAccount
    } else if says("No space left on device") || says("quota exceeded") {
        Kind::StorageFull
    } else if says("Read-only file system") {
        Kind::ReadOnlyFileSystem
    } else if says("Permission denied") || says("Operation not permitted") {
        Kind::PermissionDenied
    } else if has("unrecognized option") || has("unrecognised option") || has("illegal option") {
        // openrsync reads its options with getopt, which has other words.
        Kind::UnknownOption
    } else if has("command not found") && !errno(2) {
        Kind::RsyncMissingThere
    } else {
        return None;
    })
}

fn socket(text: &str) -> Kind {
    let has = |needle: &str| text.contains(needle);
    if has("(111)") || has("Connection refused") {
        Kind::ConnectionRefused
    } else if has("getaddrinfo") || has("Could not resolve hostname") {
        Kind::HostNotFound
    } else if has("(113)") || has("(101)") || has("(110)") {
        Kind::HostUnreachable
    } else if has("(104)") || has("(32)") {
        Kind::ConnectionLost
    } else {
        Kind::Socket
    }
}

/// Finds the cause in the messages of OpenSSH. `rsync` then ends with 255, or with 12 if it noticed
/// the closed connection first. After the connection was established, other codes come with the
/// messages of ssh.
fn ssh(code: i32, text: &str) -> Option<Kind> {
    if !matches!(code, 12 | 255) {
        return None;
    }
    let has = |needle: &str| text.contains(needle);
    Some(if has("REMOTE HOST IDENTIFICATION HAS CHANGED") {
        Kind::HostKeyChanged
    } else if has("Host key verification failed") {
        Kind::HostKeyUnknown
    } else if has("bad configuration options")
        || has("Bad owner or permissions")
        || has("Unable to negotiate with")
    {
        Kind::Ssh
    } else if has("Permission denied (") || has("Too many authentication failures") {
        Kind::SshPermissionDenied
    } else if has("Could not resolve hostname") {
        Kind::HostNotFound
    } else if has("ssh: connect to host") && has("Connection refused") {
        Kind::ConnectionRefused
    } else if has("ssh: connect to host") {
        Kind::HostUnreachable
    } else if has("Timeout, server") || has("closed by") || has("Connection reset by") {
        Kind::ConnectionLost
    } else {
        return None;
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn messages_that_tests_cannot_provoke_are_told_apart() {
        for (code, line, kind) in [
            (Some(4), "protocol does not support", Kind::Unsupported),
            (Some(5), "@ERROR: max connections (1) reached -- try again later", Kind::Busy),
            (
                Some(10),
                "failed to connect to 10.0.0.1: No route to host (113)",
                Kind::HostUnreachable,
            ),
            (Some(11), "write failed on \"/x\": Disk quota exceeded (122)", Kind::StorageFull),
            (Some(13), "error in diagnostics", Kind::Internal),
            (Some(22), "out of memory", Kind::Internal),
            (Some(25), "Deletions stopped due to --max-delete limit", Kind::DeletionLimit),
            (Some(35), "timeout waiting for daemon connection", Kind::ConnectionTimedOut),
            (Some(126), "rsync: Permission denied", Kind::RemoteShell),
            (Some(255), "Timeout, server boot.example.org not responding.", Kind::ConnectionLost),
            (Some(255), "rsync: write error: Broken pipe (32)", Kind::ConnectionLost),
            (Some(255), "ssh: unknown", Kind::Ssh),
            (Some(255), "ssh: connect to host a port 22: No route to host", Kind::HostUnreachable),
            (Some(255), "Bad owner or permissions on /etc/ssh/ssh_config", Kind::Ssh),
            (
                Some(12),
                "Unable to negotiate with 10.0.0.1 port 22: no matching host key type found.",
                Kind::Ssh,
            ),
            (
                Some(12),
                "rsync error: received SIGTERM (code 20) at rsync.c(713) [Receiver=3.2.7]\n\
                 rsync: connection unexpectedly closed (9 bytes received so far) [sender]",
                Kind::ConnectionLost,
            ),
            (Some(77), "", Kind::Unknown),
            (Some(1), "@ERROR: max connections (4) reached -- try again later", Kind::Busy),
            (Some(12), "@ERROR: auth failed on module pub", Kind::AuthenticationFailed),
            (Some(12), "@ERROR: Unknown module 'pub'", Kind::UnknownModule),
            (Some(1), "@ERROR: access denied to pub from a (10.0.0.1)", Kind::DaemonRefused),
            (Some(10), "@ERROR: chroot failed", Kind::DirectoryMissing),
            (Some(1), "This account is restricted by rssh.", Kind::RestrictedAccount),
            (
                Some(12),
                "/usr/local/bin/only-rsync: sending to read-only server not allowed",
                Kind::RestrictedAccount,
            ),
            (
                Some(12),
                "/usr/local/bin/only-rsync: reading from write-only server not allowed",
                Kind::RestrictedAccount,
            ),
            (Some(12), "SSH_ORIGINAL_COMMAND does not run rsync", Kind::RestrictedAccount),
            (Some(1), "openrsync: error: mkstempat: Permission denied", Kind::PermissionDenied),
            (Some(1), "rsync(812): error: unlinkat: Permission denied", Kind::PermissionDenied),
            (Some(2), "openrsync: write: No space left on device", Kind::StorageFull),
            (Some(1), "openrsync: unrecognized option `--fsync'", Kind::UnknownOption),
            (Some(12), "sh: rsync: command not found", Kind::RsyncMissingThere),
            (None, "", Kind::Interrupted),
        ] {
            assert_eq!(classify(code, &[line.into()]), kind, "{code:?} {line}");
        }
    }

    proptest! {
        #[test]
        fn every_code_has_a_kind_and_every_kind_a_remedy(
            code in proptest::option::of(any::<i32>()),
            lines in prop::collection::vec("\\PC{0,80}", 0..5),
            is_ssh in any::<bool>(),
        ) {
            let lines: Vec<ForeignText> = lines.into_iter().map(ForeignText::from).collect();
            let kind = classify(code, &lines);
            prop_assert!(!kind.to_string().is_empty() && !kind.hint(is_ssh).is_empty());
        }
    }
}
