//! The entity tags of objects (RFC 9110, section 8.8.3).

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use netboot_core::Sha256Digest;

/// The age from which an object's time tells its versions apart. File systems and stores round
/// times, at most to a whole second, so a younger object may change without a change of its time.
const OLD: Duration = Duration::from_secs(2);

/// The name of a version of an object. A strong one stands for its bytes. A weak one may stand for
/// several versions, so it fits no range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tag(String);

impl Tag {
    pub(crate) fn strong(name: impl fmt::Display) -> Self {
        Self(format!("\"{name}\""))
    }

    pub(crate) fn weak(name: impl fmt::Display) -> Self {
        Self(format!("W/\"{name}\""))
    }

    /// The tag of an object with these bytes.
    pub(crate) fn of_digest(digest: Sha256Digest) -> Self {
        Self::strong(digest)
    }

    /// The tag of an object with this size and time of the last write, at the time `now`. The tag
    /// of an object that may still change unnoticed matches nothing, also not itself later.
    pub(crate) fn of_entry(size: u64, modified: SystemTime, now: SystemTime) -> Self {
        let since = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let name = format!("{size:x}-{:x}", since(modified).as_nanos());
        if !now.duration_since(modified).is_ok_and(|age| age >= OLD) {
            Self::weak(format_args!("{name}-{:x}", since(now).as_nanos()))
        } else if since(modified).subsec_nanos() == 0 {
            Self::weak(name)
        } else {
            Self::strong(name)
        }
    }

    /// Compares strongly: returns true if both tags stand for the same bytes.
    pub(crate) fn is_same(&self, other: &str) -> bool {
        !self.0.starts_with("W/") && self.0 == other
    }

    /// Compares weakly.
    pub(crate) fn is_alike(&self, other: &str) -> bool {
        fn opaque(tag: &str) -> &str {
            tag.strip_prefix("W/").unwrap_or(tag)
        }
        opaque(&self.0) == opaque(other)
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_makes_a_strong_tag_only_if_it_tells_versions_apart() {
        let at = |millis| UNIX_EPOCH + Duration::from_millis(millis);
        let tag = |modified, now| Tag::of_entry(10, at(modified), at(now)).to_string();
        assert_eq!(tag(1_500, 3_500), "\"a-59682f00\"");
        assert_eq!(tag(1_000, 3_500), "W/\"a-3b9aca00\"", "whole seconds");
        for now in [1_500, 3_499, 1_000] {
            let young = Tag::of_entry(10, at(1_500), at(now));
            assert!(young.to_string().starts_with("W/\"a-59682f00-"), "{young}");
            assert!(!young.is_alike(&tag(1_500, now + 1)) && !young.is_alike(&tag(1_500, 9_000)));
        }
    }
}
