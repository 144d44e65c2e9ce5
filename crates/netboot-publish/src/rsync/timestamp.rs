//! Parses the times that `rsync` prints.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Parses a time such as `2026/11/24-11:51:43`, in UTC.
pub(super) fn parse(text: &str) -> Option<SystemTime> {
    let (date, time) = text.split_once('-')?;
    let [year, month, day] = numbers(date, '/')?;
    let [hour, minute, second] = numbers(time, ':')?;
    let is_date = (1..=9999).contains(&year) && (1..=12).contains(&month);
    if !(is_date && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 61) {
        return None;
    }
    let seconds = days_since_1970(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    let distance = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) }
}

fn numbers(text: &str, separator: char) -> Option<[i64; 3]> {
    let mut parts = text.split(separator).map(|part| {
        let digits = part.len() <= 4 && part.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| part.parse().ok()).flatten()
    });
    let numbers = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(numbers)
}

/// Counts the days of the Gregorian calendar, with years that start in March.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year / 4 - year / 100 + year / 400;
    year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_moments_are_read() {
        for (text, seconds) in [
            ("1970/01/01-00:00:00", 0),
            ("1970/01/01-00:00:01", 1),
            ("2000/02/29-12:00:00", 951_825_600),
            ("2026/11/24-11:51:43", 1_795_521_103),
        ] {
            assert_eq!(parse(text), Some(UNIX_EPOCH + Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(parse("1969/12/31-23:59:59"), Some(UNIX_EPOCH - Duration::from_secs(1)));
        for text in ["", "2026/11/24", "2026/13/24-11:51:43", "x/1/1-1:1:1", "1/1/1-1:1:1:1"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn date_reads_them_the_same() {
        for text in ["1904-02-29 01:02:03", "1999-12-31 23:59:59", "2100-03-01 00:00:00"] {
            let mut date = Command::new("date");
            let output = date.args(["-u", "+%s", "-d", text]).output().unwrap();
            let seconds: i64 = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
            let parsed = parse(&text.replace('-', "/").replace(' ', "-")).unwrap();
            let found = match parsed.duration_since(UNIX_EPOCH) {
                Ok(after) => after.as_secs().cast_signed(),
                Err(before) => -before.duration().as_secs().cast_signed(),
            };
            assert_eq!(found, seconds, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[0-9/:-]{0,24}|\\PC{0,20}") {
            let _ = parse(&text);
        }
    }
}
