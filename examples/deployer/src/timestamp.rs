//! Times in the format of RFC 3339: `2026-01-31T12:00:00Z`.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// The last second that RFC 3339 can express: the end of the year 9999.
const LAST: Duration = Duration::from_secs(253_402_300_799);

/// A point in time, to the second. Only for display: nothing is ordered by it, because a clock can
/// be wrong. A time before 1970 or after 9999 is replaced by the nearest one in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Timestamp(SystemTime);

impl Timestamp {
    /// The current time.
    pub(crate) fn now() -> Self {
        SystemTime::now().into()
    }

    /// The time since then; zero if it is in the future.
    pub(crate) fn age(self) -> Duration {
        self.0.elapsed().unwrap_or_default()
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        Self(time.clamp(UNIX_EPOCH, UNIX_EPOCH + LAST))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_rfc3339_seconds(self.0).fmt(f)
    }
}

impl From<Timestamp> for String {
    fn from(timestamp: Timestamp) -> Self {
        timestamp.to_string()
    }
}

impl TryFrom<String> for Timestamp {
    type Error = humantime::TimestampError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        humantime::parse_rfc3339(&text).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_far_off_can_be_shown() {
        let day = Duration::from_secs(86400);
        let shown = |time: SystemTime| Timestamp::from(time).to_string();
        assert_eq!(shown(UNIX_EPOCH - day), "1970-01-01T00:00:00Z");
        assert_eq!(shown(UNIX_EPOCH + LAST + day), "9999-12-31T23:59:59Z");
        assert_eq!(shown(UNIX_EPOCH + day * 400), "1971-02-05T00:00:00Z");
    }
}
