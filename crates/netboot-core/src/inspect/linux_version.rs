//! The version of a Linux.

use std::fmt;

/// The first two numbers of a version of Linux, such as 6.12.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a version of Linux has these two numbers")]
pub struct LinuxVersion {
    /// The first number.
    pub major: u32,
    /// The second number.
    pub minor: u32,
}

impl LinuxVersion {
    /// Reads a version such as `6.12.117-amd64 (debian-kernel@lists.debian.org)`.
    pub(super) fn of(text: &str) -> Option<Self> {
        let mut numbers = text.split(|character: char| !character.is_ascii_digit());
        let (major, minor) = (numbers.next()?, numbers.next()?);
        let is_dotted = text.get(major.len()..).is_some_and(|rest| rest.starts_with('.'));
        if !is_dotted {
            return None;
        }
        Some(Self { major: major.parse().ok()?, minor: minor.parse().ok()? })
    }
}

impl fmt::Display for LinuxVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_numbers_with_a_dot_are_a_version() {
        let version = |major, minor| Some(LinuxVersion { major, minor });
        assert_eq!(LinuxVersion::of("6.12.117+deb13-amd64 (x@y) #1"), version(6, 12));
        assert_eq!(LinuxVersion::of("7.0-rc1"), version(7, 0));
        assert!(version(6, 9) < version(6, 12));
        for other in ["", "6", "6-12", "iPXE 1.21.1", "v6.12", ".6.1", "6..1", "99999999999.1"] {
            assert_eq!(LinuxVersion::of(other), None, "{other}");
        }
    }
}
