//! The version of this machine's `rsync`, and what it can do.

/// A version of `rsync`: the first three numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RsyncVersion([u32; 3]);

impl RsyncVersion {
    /// The oldest supported version: the first with `--info` and `--delete-missing-args`.
    const OLDEST: Self = Self([3, 1, 0]);

    /// Parses the first line of `rsync --version`, such as `rsync  version 3.2.7  protocol version
    /// 31`. `None` for another program with this name, and for a version that is too old.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        if (words.next(), words.next()) != (Some("rsync"), Some("version")) {
            return None;
        }
        let version = words.next()?;
        let mut numbers = version.trim_start_matches('v').split('.').map(|number| {
            let end = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
            number[..end].parse().ok()
        });
        let version =
            Self([numbers.next()??, numbers.next()??, numbers.next().flatten().unwrap_or(0)]);
        (version >= Self::OLDEST).then_some(version)
    }

    /// Returns true if `rsync` has `--fsync`.
    pub(super) fn has_fsync(self) -> bool {
        self >= Self([3, 2, 4])
    }

    /// Returns true if `rsync` has `--stderr`.
    pub(super) fn has_stderr(self) -> bool {
        self >= Self([3, 2, 4])
    }

    /// Returns true if `rsync` escapes paths for the far side's shell.
    pub(super) fn escapes(self) -> bool {
        self >= Self([3, 2, 4])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_compared() {
        for (line, version) in [
            ("rsync  version 3.2.7  protocol version 31", Some([3, 2, 7])),
            ("rsync  version v3.4.1-2 protocol version 32", Some([3, 4, 1])),
            ("rsync  version 3.5pre1  protocol version 32", Some([3, 5, 0])),
            ("rsync  version 3.0.9  protocol version 30", None),
            ("openrsync: protocol version 29", None),
            ("", None),
        ] {
            assert_eq!(RsyncVersion::parse(line), version.map(RsyncVersion), "{line}");
        }
        assert!(RsyncVersion([3, 2, 10]).has_fsync() && !RsyncVersion([3, 2, 3]).escapes());
    }
}
