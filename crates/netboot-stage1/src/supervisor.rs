//! Threads at work, and the patience with them.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use netboot_closure::console::{ConsoleText, FailureCause, StoreForm};

use crate::watch::{FailedTry, Watch};

/// The longest time between two looks at the threads.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The work of one thread.
pub(crate) type Job<T> = Box<dyn FnOnce() -> Result<T, Halt> + Send>;

/// The reason why a thread ended before its work was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Halt {
    /// Another thread failed.
    Stopped,
    Failed(FailureCause),
}

impl From<FailureCause> for Halt {
    fn from(cause: FailureCause) -> Self {
        Self::Failed(cause)
    }
}

/// Runs each job in a thread, until all are done, one fails, or nothing makes progress for too
/// long. Calls `look` several times a second, which may find a reason to stop.
///
/// A thread may hang in the kernel when the memory is full. So this function does not wait for the
/// other threads when it fails.
pub(crate) fn supervise<T: Send + 'static>(
    watch: &Watch,
    patience: Duration,
    jobs: Vec<Job<T>>,
    form: Option<StoreForm>,
    mut look: impl FnMut() -> Result<(), FailureCause>,
) -> Result<Vec<T>, FailureCause> {
    let (count, mut done) = (jobs.len(), Vec::new());
    let (sender, receiver) = mpsc::channel();
    for job in jobs {
        let sender = sender.clone();
        // The receiver is gone if another thread failed.
        let run = move || drop(sender.send(job()));
        let spawned = thread::Builder::new().name("fetch".to_owned()).spawn(run);
        spawned.map_err(|error| stopped("start a thread", &error.to_string()))?;
    }
    drop(sender);
    let result = loop {
        if done.len() == count {
            break Ok(done);
        }
        match receiver.recv_timeout(LOOK_EVERY.min(patience)) {
            Ok(Ok(value)) => done.push(value),
            Ok(Err(Halt::Failed(cause))) => break Err(cause),
            Ok(Err(Halt::Stopped)) => break Err(stopped("go on", "a thread was stopped")),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                break Err(stopped("go on", "a thread ended too early"));
            }
        }
        if let Err(cause) = look() {
            break Err(cause);
        }
        let (time, last_failure) = watch.since_progress();
        if time > patience {
            break Err(no_progress(time.as_secs(), last_failure, form));
        }
    };
    if result.is_err() {
        watch.stop();
    }
    result
}

fn stopped(action: &str, reason: &str) -> FailureCause {
    FailureCause::InputOutput { action: ConsoleText::new(action), reason: ConsoleText::new(reason) }
}

/// A network without progress has failed tries. Without one, the store takes nothing.
fn no_progress(
    seconds: u64,
    last_failure: Option<FailedTry>,
    form: Option<StoreForm>,
) -> FailureCause {
    match (last_failure, form) {
        (Some(FailedTry { item, url, problem, tries }), _) => {
            FailureCause::FetchFailed { item, url, tries, problem }
        }
        (None, Some(StoreForm::Zram)) => FailureCause::ZramStalled { seconds },
        (None, _) => stopped("write to the store", &format!("no progress for {seconds} s")),
    }
}
