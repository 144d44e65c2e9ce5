//! Ages for people.

use std::time::Duration;

/// An age in one unit, such as `3 min ago`. The script of the page has the same steps.
pub(super) fn ago(age: Duration) -> String {
    match age.as_secs() {
        0..5 => "just now".to_owned(),
        seconds @ 5..120 => format!("{seconds} s ago"),
        seconds @ 120..7200 => format!("{} min ago", seconds / 60),
        seconds @ 7200..172_800 => format!("{} h ago", seconds / 3600),
        seconds => format!("{} days ago", seconds / 86400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_has_one_unit_and_never_says_one_days() {
        let shown = |seconds| ago(Duration::from_secs(seconds));
        let ages = [0, 5, 119, 120, 7199, 7200, 172_799, 172_800].map(shown);
        let expected = [
            "just now",
            "5 s ago",
            "119 s ago",
            "2 min ago",
            "119 min ago",
            "2 h ago",
            "47 h ago",
            "2 days ago",
        ];
        assert_eq!(ages, expected);
    }
}
