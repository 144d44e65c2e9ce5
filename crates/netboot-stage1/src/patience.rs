//! The times that the program waits.

use std::time::Duration;

/// The times that the program waits. All of them follow from one: how long it goes on without
/// progress.
///
/// ```
/// use std::time::Duration;
///
/// use netboot_stage1::Patience;
///
/// assert_eq!(Patience::default().total(), Duration::from_secs(120));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience(Duration);

impl Default for Patience {
    /// 120 seconds.
    fn default() -> Self {
        Self(Duration::from_secs(120))
    }
}

impl Patience {
    /// Makes a patience that goes on for `total` without progress.
    pub fn new(total: Duration) -> Self {
        Self(total)
    }

    /// The time without progress after which the program gives up.
    pub fn total(self) -> Duration {
        self.0
    }

    /// The time after which a connection without progress is given up: 20 seconds.
    pub(crate) fn stall(self) -> Duration {
        self.0 / 6
    }

    /// The time that connecting may take: 10 seconds.
    pub(crate) fn connect(self) -> Duration {
        self.0 / 12
    }

    /// The time before a source is tried again that failed `failures` times in a row: a random time
    /// between a half and the whole of 250 milliseconds, which double with each failure up to
    /// 8 seconds. So machines that start together do not come back together.
    pub(crate) fn back_off(self, failures: u32) -> Duration {
        let longest = (self.0 / 480) * (1 << failures.saturating_sub(1).min(5));
        longest.mul_f64(0.5 + fastrand::f64() / 2.0)
    }
}
