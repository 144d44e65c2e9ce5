//! The clock of a publisher.

use std::fmt;
use std::sync::Arc;
#[cfg(feature = "contract")]
use std::time::Duration;
use std::time::SystemTime;

/// Tells a publisher the time. The publisher writes the time of each activation into the history,
/// and pruning compares the ages of releases with the grace time.
///
/// Tests that need a later time set a clock instead of waiting:
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// use netboot_publish::{Clock, MemoryStore, Publisher};
///
/// #[derive(Debug)]
/// struct Tomorrow;
///
/// impl Clock for Tomorrow {
///     fn now(&self) -> SystemTime {
///         SystemTime::now() + Duration::from_secs(24 * 3600)
///     }
/// }
///
/// let publisher = Publisher::new(MemoryStore::new()).with_clock(Tomorrow);
/// ```
pub trait Clock: fmt::Debug + Send + Sync {
    /// Returns the time.
    fn now(&self) -> SystemTime;
}

/// Implements the trait for a pointer.
macro_rules! forward_clock {
    ($pointer:ident) => {
        impl<C: Clock + ?Sized> Clock for $pointer<C> {
            fn now(&self) -> SystemTime {
                (**self).now()
            }
        }
    };
}

// A test can set a clock while a publisher has it.
forward_clock!(Arc);
forward_clock!(Box);

/// The clock of the system.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// A clock that is ahead of the system's by a constant time, for tests of ages.
#[cfg(feature = "contract")]
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "the time is all that such a clock has")]
pub struct ClockAhead(pub Duration);

#[cfg(feature = "contract")]
impl Clock for ClockAhead {
    fn now(&self) -> SystemTime {
        SystemTime::now() + self.0
    }
}
