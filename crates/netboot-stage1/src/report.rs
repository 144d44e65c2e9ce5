//! Reports of the machine's progress to the URL in `netboot.report`.

use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;
use std::time::Duration;

use netboot_closure::boot_parameter::{CardAddress, HttpUrl};
use ureq::Agent;

/// The number of reports that may wait for the network.
const QUEUE: usize = 8;

/// The time that a report may take.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// The time that the program waits at its end, so that its last report can leave.
const LAST: Duration = Duration::from_secs(1);

/// Sends reports while the boot goes on. A report that cannot be sent is lost.
#[derive(Debug)]
pub(crate) struct Reporter {
    queue: Option<SyncSender<String>>,
    done: Receiver<()>,
}

impl Reporter {
    /// Starts to report to a URL. The machine names itself by its cards.
    pub(crate) fn new(url: Option<&HttpUrl>, cards: &[CardAddress]) -> Self {
        let (done_sender, done) = mpsc::channel();
        let queue = url.map(|url| {
            let separator = if url.path().contains('?') { '&' } else { '?' };
            let cards: String = cards.iter().map(|card| format!("&mac={card}")).collect();
            let url = format!("{url}{separator}");
            let (queue, reports) = mpsc::sync_channel::<String>(QUEUE);
            let config = Agent::config_builder()
                .proxy(None)
                .max_redirects(0)
                .timeout_global(Some(TIME_LIMIT))
                .build();
            let agent: Agent = config.into();
            let send_all = move || {
                for report in reports {
                    // Nobody waits for a report, and a boot does not depend on it.
                    let _ = agent.get(format!("{url}{report}{cards}")).call();
                }
                drop(done_sender);
            };
            // Without the thread, reports are lost.
            drop(thread::Builder::new().name("report".to_owned()).spawn(send_all));
            queue
        });
        Self { queue, done }
    }

    /// Sends a report that the machine reached a stage, if the queue is not full.
    pub(crate) fn report(&self, stage: &str) {
        if let Some(queue) = &self.queue {
            let _ = queue.try_send(format!("stage={stage}"));
        }
    }

    /// Lets the last reports leave, for a second at most.
    pub(crate) fn finish(mut self) {
        if self.queue.take().is_some() {
            let _ = self.done.recv_timeout(LAST);
        }
    }
}
