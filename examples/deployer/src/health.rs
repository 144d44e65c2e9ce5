//! The parts of the service that do not work.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use netboot_cli::Progress;

/// The part of the service that does not work while the releases cannot be read.
pub(crate) const PUBLISHED: &str = "the published releases";

/// The problems that the service works around. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Health {
    problems: Arc<Mutex<BTreeMap<&'static str, String>>>,
    log: Progress,
}

impl Health {
    /// No problem. Changes are told in `log`.
    pub(crate) fn new(log: Progress) -> Self {
        Self { problems: Arc::default(), log }
    }

    /// Records that a part does not work. Only the first of several problems of one part is told
    /// in the log, not one for each of a thousand requests.
    pub(crate) fn degrade(&self, part: &'static str, problem: &str) {
        let problem = format!("{part}: {problem}");
        if self.lock().insert(part, problem.clone()).is_none() {
            self.log.line(&format!("warning: {problem}"));
        }
    }

    /// Records that a part works again.
    pub(crate) fn restore(&self, part: &'static str) {
        if self.lock().remove(part).is_some() {
            self.log.line(&format!("{part}: works again"));
        }
    }

    /// The problems, one line each.
    pub(crate) fn problems(&self) -> Vec<String> {
        self.lock().values().map(|problem| problem.replace('\n', " ")).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, String>> {
        self.problems.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
