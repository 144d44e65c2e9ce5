//! Times as people and as programs read them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use timeago::{Formatter, TimeUnit};

/// The last second that RFC 3339 can express: the end of the year 9999.
const LAST: Duration = Duration::from_secs(253_402_300_799);

/// The time that clocks of different machines may differ by without a remark.
const TOLERANCE: Duration = Duration::from_secs(2);

/// The time of an event as people say it: `3 minutes ago`.
pub(crate) fn ago(time: SystemTime, now: SystemTime) -> String {
    match now.duration_since(time) {
        Ok(age) => formatter().convert(age),
        Err(error) if error.duration() <= TOLERANCE => formatter().convert(Duration::ZERO),
        Err(_) => "in the future: check the clock".to_owned(),
    }
}

/// A time in UTC in the format of RFC 3339, to the second. A time before 1970 or after 9999 is
/// replaced by the nearest one in between.
pub(crate) fn utc(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time.clamp(UNIX_EPOCH, UNIX_EPOCH + LAST)).to_string()
}

fn formatter() -> Formatter {
    let mut formatter = Formatter::new();
    formatter.too_low("just now").min_unit(TimeUnit::Seconds);
    formatter
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_said_in_their_largest_unit() {
        let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let seconds = |seconds| ago(now - Duration::from_secs(seconds), now);
        let (minute, hour, day) = (60, 3600, 86400);
        for (age, expected) in [
            (0, "just now"),
            (1, "1 second ago"),
            (59, "59 seconds ago"),
            (minute, "1 minute ago"),
            (3 * minute, "3 minutes ago"),
            (hour - 1, "59 minutes ago"),
            (hour, "1 hour ago"),
            (day - minute, "23 hours ago"),
            (day, "1 day ago"),
            (6 * day, "6 days ago"),
            (7 * day, "1 week ago"),
            (365 * day, "11 months ago"),
            (366 * day, "1 year ago"),
        ] {
            assert_eq!(seconds(age), expected, "{age} s");
        }
    }

    #[test]
    fn a_clock_that_is_ahead_is_named() {
        let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let later = |seconds| ago(now + Duration::from_secs(seconds), now);
        assert_eq!(later(1), "just now");
        assert_eq!(later(2), "just now");
        assert_eq!(later(3), "in the future: check the clock");
        assert_eq!(later(86400), "in the future: check the clock");
    }

    #[test]
    fn a_clock_that_is_far_off_can_be_shown() {
        let day = Duration::from_secs(86400);
        assert_eq!(utc(UNIX_EPOCH - day), "1970-01-01T00:00:00Z");
        assert_eq!(utc(UNIX_EPOCH + LAST + day), "9999-12-31T23:59:59Z");
        assert_eq!(utc(UNIX_EPOCH + day * 400), "1971-02-05T00:00:00Z");
    }
}
