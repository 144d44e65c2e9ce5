//! A blob as one stream of bytes, whatever happens to connections and servers.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::time::{Duration, Instant};

use netboot_closure::Sha256;
use netboot_closure::console::{ConsoleText, FailureCause, FetchProblem, Item};
use ureq::BodyReader;

use crate::fetch::Network;
use crate::fetch::request::{Answer, Blame, Refusal, refusal, request};
use crate::fetch::sources::WrongAnswers;
use crate::supervisor::Halt;
use crate::watch::FailedTry;

/// The bytes that a connection must send in the time of a stall. A connection that sends less is
/// given up for another one.
const LEAST: u64 = 16 << 10;

/// A blob that the network should have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Blob {
    pub(crate) item: Item,
    pub(crate) digest: Sha256,
    pub(crate) size: BlobSize,
}

/// The size of a blob in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BlobSize {
    Exactly(u64),
    AtMost(u64),
}

/// The reason why a blob cannot be read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Abort {
    /// Another thread failed.
    Stopped,
    /// No source has the blob.
    Refused(FailureCause),
    /// The content is too long. The blob may be fetched again.
    TooLong,
}

/// The tries to fetch one blob.
#[derive(Debug)]
pub(crate) struct Tries {
    count: u32,
    wrong: WrongAnswers,
    last: Option<FailedTry>,
}

/// Reads a blob from the network once. It continues after cut connections, at other servers if
/// necessary. Its bytes may be wrong; the caller checks their digest and says it with
/// [`refuse`](Self::refuse).
pub(crate) struct BlobReader<'a> {
    network: &'a Network,
    blob: &'a Blob,
    tries: &'a mut Tries,
    connection: Option<Connection>,
    position: u64,
    is_complete: bool,
    /// The sources that sent some of the bytes, and whether they sent them as a part of the file.
    used: Vec<(usize, bool)>,
    /// The sources that called an answer a page in HTML.
    pages: BTreeSet<usize>,
    abort: Option<Abort>,
}

/// An answer that is being read.
struct Connection {
    source: usize,
    body: BodyReader<'static>,
    /// The bytes to read before those that are needed.
    skip: u64,
    /// True if the server said where the body ends.
    has_length: bool,
    pace: Pace,
    /// The bytes that arrived.
    sent: u64,
}

/// Measures how fast bytes arrive.
#[derive(Debug, Default)]
struct Pace {
    waited: Duration,
    bytes: u64,
}

impl Pace {
    /// Notes bytes, and returns false if too few arrived.
    fn is_enough(&mut self, waited: Duration, bytes: u64, stall: Duration) -> bool {
        self.waited += waited;
        self.bytes += bytes;
        if self.bytes >= LEAST {
            *self = Self::default();
        }
        self.waited < stall
    }
}

impl Tries {
    pub(crate) fn new(network: &Network) -> Self {
        Self { count: 0, wrong: network.sources.wrong_answers(), last: None }
    }
}

impl<'a> BlobReader<'a> {
    pub(crate) fn new(network: &'a Network, blob: &'a Blob, tries: &'a mut Tries) -> Self {
        Self {
            network,
            blob,
            tries,
            connection: None,
            position: 0,
            is_complete: false,
            pages: BTreeSet::new(),
            used: Vec::new(),
            abort: None,
        }
    }

    /// The reason of the last error of reading.
    pub(crate) fn abort(&self) -> Option<&Abort> {
        self.abort.as_ref()
    }

    /// The reason why the blob cannot be read, for the supervisor.
    pub(crate) fn into_halt(self) -> Halt {
        match self.abort {
            Some(Abort::Refused(cause)) => Halt::Failed(cause),
            _ => Halt::Stopped,
        }
    }

    /// Notes that the content is wrong, so that each source that sent some of it is trusted less.
    pub(crate) fn refuse(mut self, problem: &FetchProblem) {
        let used = std::mem::take(&mut self.used);
        let sources: BTreeSet<usize> = used.iter().map(|(source, _)| *source).collect();
        for source in sources {
            if used.contains(&(source, true)) {
                self.network.sources.distrust_ranges(source);
            }
            self.network.sources.answered_wrong(source, &mut self.tries.wrong);
            // Its other files may be wrong too, so mirrors come first.
            self.network.sources.failed(source);
            let problem = if self.pages.contains(&source) { page() } else { problem.clone() };
            self.note(source, problem);
        }
    }

    /// Notes a failed try.
    fn note(&mut self, source: usize, problem: FetchProblem) {
        let url = self.network.sources.url(source).blob(&self.blob.digest);
        let item = self.blob.item.clone();
        let failed = FailedTry { item, url, problem, tries: self.tries.count };
        self.network.watch.failed(failed.clone());
        self.tries.last = Some(failed);
    }

    /// Connects to a source that sends the blob from the position on.
    fn connect(&mut self) -> Result<Connection, Abort> {
        let Network { sources, watch, patience, agent, .. } = self.network;
        loop {
            let Some(choice) = sources.choose(&self.tries.wrong) else {
                return Err(self.refused());
            };
            watch.sleep(choice.wait);
            if watch.is_stopped() {
                return Err(Abort::Stopped);
            }
            if let Some(before) = choice.instead_of {
                self.network.say_mirror(choice.source, before);
            }
            self.tries.count += 1;
            if let Some(last) = self.tries.last.take() {
                self.network.say_retry(last, self.tries.count);
            }
            let source = choice.source;
            let url = sources.url(source).blob(&self.blob.digest).to_string();
            let refusal = match request(agent, &url, self.position, choice.ranges, *patience) {
                Ok(answer) => match self.wrong_size(&answer) {
                    None => {
                        if is_page(&answer) {
                            self.pages.insert(source);
                        }
                        let Answer { body, skip, has_length, .. } = answer;
                        self.used.push((source, self.position > 0 && skip == 0));
                        let pace = Pace::default();
                        return Ok(Connection { source, body, skip, has_length, pace, sent: 0 });
                    }
                    Some(problem) => Refusal { problem, blame: Blame::File },
                },
                Err(refusal) => refusal,
            };
            match refusal.blame {
                Blame::Source => sources.failed(source),
                Blame::File => sources.answered_wrong(source, &mut self.tries.wrong),
                Blame::Ranges => sources.distrust_ranges(source),
            }
            self.note(source, refusal.problem);
        }
    }

    /// Compares the size that a server says with the blob's.
    fn wrong_size(&self, answer: &Answer) -> Option<FetchProblem> {
        let said = answer.size?;
        match self.blob.size {
            BlobSize::Exactly(size) if said == size => None,
            BlobSize::AtMost(limit) if said <= limit => None,
            _ if is_page(answer) => Some(page()),
            BlobSize::Exactly(expected) if said < expected => {
                Some(FetchProblem::Truncated { received: said, expected })
            }
            BlobSize::Exactly(expected) | BlobSize::AtMost(expected) => {
                Some(FetchProblem::TooLong { expected })
            }
        }
    }

    /// The reason why no source is left.
    fn refused(&self) -> Abort {
        match &self.tries.last {
            Some(FailedTry { item, url, problem, tries }) => {
                let (item, url, problem) = (item.clone(), url.clone(), problem.clone());
                Abort::Refused(FailureCause::FetchFailed { item, url, tries: *tries, problem })
            }
            // Without a failed try, a source is left.
            None => Abort::Stopped,
        }
    }

    /// Reads some bytes, or returns `None` if the connection is of no use any more.
    fn read_some(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, Abort> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect()?,
        };
        if self.network.watch.is_stopped() {
            return Err(Abort::Stopped);
        }
        let source = connection.source;
        let left = match self.blob.size {
            BlobSize::Exactly(size) => size - self.position,
            // One byte more shows that the blob is too long.
            BlobSize::AtMost(limit) => limit + 1 - self.position,
        };
        let wanted = if connection.skip > 0 { connection.skip } else { left };
        let length =
            usize::try_from(wanted).map_or(buffer.len(), |wanted| wanted.min(buffer.len()));
        let stall = self.network.patience.stall();
        let begin = Instant::now();
        let problem = match connection.body.read(&mut buffer[..length]) {
            Ok(0) => match self.blob.size {
                BlobSize::AtMost(_) if connection.skip == 0 => {
                    self.is_complete = true;
                    return Ok(Some(0));
                }
                _ => FetchProblem::Unreachable {
                    reason: ConsoleText::new("the connection ended too early"),
                },
            },
            Ok(length) => {
                let bytes = length as u64;
                let is_fast = connection.pace.is_enough(begin.elapsed(), bytes, stall);
                let skipped = connection.skip > 0;
                connection.sent += bytes;
                if connection.sent >= LEAST {
                    self.network.sources.succeeded(source);
                }
                if skipped {
                    connection.skip -= bytes;
                } else {
                    self.position += bytes;
                    self.network.watch.received(bytes);
                }
                if matches!(self.blob.size, BlobSize::AtMost(limit) if self.position > limit) {
                    return Err(Abort::TooLong);
                }
                if self.blob.size == BlobSize::Exactly(self.position) {
                    self.is_complete = true;
                    self.network.sources.succeeded(source);
                    if connection.has_length {
                        // At the end of the body, the connection is free for the next request.
                        let _ = connection.body.read(&mut [0]);
                    }
                } else if is_fast {
                    self.connection = Some(connection);
                } else {
                    self.fail(source, FetchProblem::Stalled { seconds: stall.as_secs() });
                }
                return Ok(Some(length).filter(|_| !skipped));
            }
            Err(error) => refusal(ureq::Error::from(error), stall).problem,
        };
        self.fail(source, problem);
        Ok(None)
    }

    fn fail(&mut self, source: usize, problem: FetchProblem) {
        self.network.sources.failed(source);
        self.note(source, problem);
    }
}

/// Returns true if a server says that it sends an error page, or the page of a portal.
fn is_page(answer: &Answer) -> bool {
    answer.content_type.as_deref().is_some_and(|kind| kind.contains("html"))
}

fn page() -> FetchProblem {
    FetchProblem::Malformed { reason: ConsoleText::new("it is a page in HTML") }
}

impl Read for BlobReader<'_> {
    /// Reads some bytes. After an error, [`abort`](BlobReader::abort) has the reason.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.abort.is_none() && !self.is_complete && !buffer.is_empty() {
            match self.read_some(buffer) {
                Ok(Some(length)) => return Ok(length),
                Ok(None) => {}
                Err(abort) => self.abort = Some(abort),
            }
        }
        if self.abort.is_some() { Err(io::Error::other("the blob cannot be read")) } else { Ok(0) }
    }
}
