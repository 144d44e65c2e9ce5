//! Reports of the machine's progress to the URL in `netboot.report`.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;
use std::time::Duration;

use netboot_closure::boot_parameter::{CardAddress, HttpUrl};
use netboot_closure::console::{ConsoleLine, ConsoleText, Warning};
use ureq::Agent;

use crate::fetch::Tell;

/// The number of reports that may wait for the network.
const QUEUE: usize = 32;

/// The time that a report may take.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// Sends the lines of the console while the boot goes on. A line that cannot be sent is lost. The
/// console tells so once.
#[derive(Debug)]
pub(crate) struct Reporter {
    /// `None` in the queue is its end.
    queue: SyncSender<Option<String>>,
    done: Receiver<()>,
}

impl Reporter {
    /// Starts to send reports. `tell` gets the warning about a lost report.
    pub(crate) fn new(tell: Arc<Tell>) -> Self {
        let (done_sender, done) = mpsc::channel();
        let (queue, urls) = mpsc::sync_channel(QUEUE);
        let config = Agent::config_builder()
            .proxy(None)
            .max_redirects(0)
            .timeout_global(Some(TIME_LIMIT))
            .build();
        let agent: Agent = config.into();
        let send_all = move || {
            let mut is_told = false;
            for url in urls.iter().map_while(|url: Option<String>| url) {
                // A boot does not depend on a report, so nothing waits for the answer.
                if let Err(error) = agent.get(url).call()
                    && !is_told
                {
                    is_told = true;
                    let reason = ConsoleText::new(error.to_string());
                    let warning = Warning::ReportNotDelivered { reason };
                    tell(&ConsoleLine::Warning { warning });
                }
            }
            drop(done_sender);
        };
        // Without the thread, reports are lost.
        drop(thread::Builder::new().name("report".to_owned()).spawn(send_all));
        Self { queue, done }
    }

    /// Returns a function that tells a line, and sends it if the queue is not full. The machine
    /// names itself by its cards.
    pub(crate) fn tell_and_report(
        &self,
        tell: Arc<Tell>,
        report: HttpUrl,
        cards: Vec<CardAddress>,
    ) -> Arc<Tell> {
        let queue = self.queue.clone();
        Arc::new(move |line: &ConsoleLine| {
            tell(line);
            let _ = queue.try_send(Some(line.report_url(&report, &cards)));
        })
    }

    /// Lets the last reports leave, for this time at most.
    pub(crate) fn finish(self, limit: Duration) {
        if self.queue.try_send(None).is_ok() {
            let _ = self.done.recv_timeout(limit);
        }
    }
}
