//! `netboot serve`: serves a target to machines over HTTP.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::Args;
use netboot_core::{Report, layout};
use netboot_serve::{Notice, Server, StoreView};
use serde_json::json;
use tokio::net::TcpListener;

use crate::answer::Answer;
use crate::failure::Cancelled;
use crate::operator_words::for_operators;
use crate::progress::Progress;
use crate::published_target::{is_published, until_cancelled};
use crate::session::Session;
use crate::standard_output;

/// The time in which current downloads may end when the program stops.
const GRACE: Duration = Duration::from_secs(10);
/// The time in which the same line is written once.
const PAUSE: Duration = Duration::from_secs(60);
/// The maximum number of lines in that time.
const MOST_LINES: usize = 100;

/// The description of the answer.
const ANSWER: &str = "\
Machines fetch what a web server in front of a directory would give them, also
from a bucket that refuses anonymous reads: the program reads the target with
its own credentials. Everybody who reaches the address can read the target.

Prints the URL that machines chain, and serves until a signal ends it. It then
completes the current downloads, for at most 10 seconds.

With --json, it prints one object when it listens, and one with `error` at its
end. The first one has the keys below.

With --json:
  target     the target, as it was written
  listening  the address and the port
  urls       the URLs that machines chain, one for each address of this
             machine if it listens at all of them";

#[derive(Debug, Args)]
#[command(after_long_help = ANSWER)]
pub(crate) struct Arguments {
    /// The target: a directory, `s3://BUCKET/PREFIX`, `oci://HOST/REPOSITORY`, `USER@HOST:/PATH`,
    /// `rsync://HOST/MODULE/PATH`, or a name from netboot.toml.
    #[arg(value_name = "TARGET")]
    target: String,

    /// The address and the port to listen on. `0.0.0.0` means all addresses of this machine.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
}

impl Arguments {
    /// Serves until the work is cancelled.
    pub(crate) async fn run(self, session: &Session) -> Result<Answer, Report> {
        let target = session.target(&self.target)?;
        let publisher = target.reader().await?;
        if !until_cancelled(session, is_published(&publisher)).await? {
            let text = format!("warning: nothing is published at `{target}` yet");
            session.progress.line(&text);
        }
        let listener =
            TcpListener::bind(self.listen).await.map_err(|error| self.refusal(&error))?;
        let listening = listener.local_addr().map_err(|error| self.refusal(&error))?;
        self.tell(listening, session)?;

        let lines = std::sync::Arc::new(Lines::new(session.progress.clone()));
        let of_store = lines.clone();
        let view = StoreView::new(publisher.store().clone()).on_failure(move |path, error| {
            let report = Report::from(error).in_full();
            of_store.line(&format!("`{path}` cannot be served: {report}"));
        });
        let server = Server::new().on_notice(move |notice| match (&notice, notice.peer()) {
            (Notice::Accepted, _) => {}
            (_, Some(peer)) => lines.line(&format!("{peer}: {notice}")),
            (_, None) => lines.line(&format!("warning: {notice}")),
        });
        let answer = move |request, _| {
            let view = view.clone();
            async move { view.answer(&request).await }
        };
        let stop = session.context.cancellation();
        let too_long = async {
            stop.cancelled().await;
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            () = server.serve(listener, stop, answer) => {}
            () = too_long => {}
        }
        Err(Cancelled::report("the target is no longer served"))
    }

    fn refusal(&self, error: &std::io::Error) -> Report {
        Report::message(
            format!("the program cannot listen at {}: {error}", self.listen),
            "choose another address or port with --listen, or end the program that has it; ports \
             below 1024 need root",
        )
    }

    /// Prints the URLs at once: the answer of a command is printed when it ends.
    fn tell(&self, listening: SocketAddr, session: &Session) -> Result<(), Report> {
        let urls: Vec<String> = reachable(listening)
            .into_iter()
            .map(|address| format!("http://{address}/{}", layout::boot_script()))
            .collect();
        let object = json!({ "target": self.target, "listening": listening, "urls": urls });
        let text = Answer::new(urls.join("\n"), object).shown(session.options.json);
        standard_output::write(&text)
            .map_err(|problem| Report::message(problem, "give the program a standard output"))
    }
}

/// The addresses at which machines reach a server.
fn reachable(listening: SocketAddr) -> Vec<SocketAddr> {
    if !listening.ip().is_unspecified() {
        return vec![listening];
    }
    let own = if_addrs::get_if_addrs().unwrap_or_default();
    let of_network = own.iter().filter(|interface| !interface.is_loopback());
    let addresses = of_network.map(if_addrs::Interface::ip).filter(|address| match address {
        IpAddr::V4(_) => true,
        // Without the interface, nobody reaches a link-local address.
        IpAddr::V6(address) => listening.is_ipv6() && !address.is_unicast_link_local(),
    });
    let found: Vec<_> =
        addresses.map(|address| SocketAddr::new(address, listening.port())).collect();
    if found.is_empty() { vec![listening] } else { found }
}

/// Lines on standard error. A flood of requests causes few of them.
struct Lines {
    progress: Progress,
    told: Mutex<HashMap<String, Instant>>,
}

impl Lines {
    fn new(progress: Progress) -> Self {
        Self { progress, told: Mutex::default() }
    }

    fn line(&self, text: &str) {
        let is_new = {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            told.retain(|_, at| at.elapsed() < PAUSE);
            told.len() < MOST_LINES && told.insert(text.to_owned(), Instant::now()).is_none()
        };
        if is_new {
            self.progress.line(&for_operators(text));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_urls_are_those_of_the_machine() {
        let one: SocketAddr = "192.0.2.7:80".parse().unwrap();
        assert_eq!(reachable(one), [one]);
        let all: SocketAddr = "0.0.0.0:8080".parse().unwrap();
        for address in reachable(all) {
            assert!(address.is_ipv4() && address.port() == 8080);
            assert!(!address.ip().is_loopback());
        }
    }
}
