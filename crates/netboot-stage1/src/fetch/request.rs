//! One request for a blob, and what the server may answer.

use std::time::Duration;

use netboot_closure::console::{ConsoleText, FetchProblem};
use ureq::http::Response;
use ureq::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE};
use ureq::{Agent, Body, BodyReader, Timeout};

use crate::patience::Patience;

/// The greatest size of an answer's head in bytes.
const HEAD_LIMIT: usize = 16 << 10;

/// The greatest number of redirects that are followed.
const REDIRECTS: u32 = 5;

/// The size of the buffers of a connection in bytes.
const BUFFER: usize = 64 << 10;

/// The content of an answer.
pub(crate) struct Answer {
    pub(crate) body: BodyReader<'static>,
    /// The number of bytes at the beginning of the body that were not asked for.
    pub(crate) skip: u64,
    /// The size of the whole file in bytes, if the server says it.
    pub(crate) size: Option<u64>,
    /// True if the server says where the body ends.
    pub(crate) has_length: bool,
    /// The type of the content, if the server says it.
    pub(crate) content_type: Option<String>,
}

/// The reason why an answer has no content of use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) problem: FetchProblem,
    pub(crate) blame: Blame,
}

/// The part that is at fault when an answer is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blame {
    /// The server, or the way to it. It may come back.
    Source,
    /// The answer for this file.
    File,
    /// The way in which the server sends parts of files.
    Ranges,
}

impl Refusal {
    fn of_file(reason: impl AsRef<str>) -> Self {
        Self { problem: malformed(reason), blame: Blame::File }
    }
}

fn malformed(reason: impl AsRef<str>) -> FetchProblem {
    FetchProblem::Malformed { reason: ConsoleText::new(reason) }
}

/// Makes the client for all requests of this program.
pub(crate) fn agent(patience: Patience, connections: usize) -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None)
        .max_redirects(REDIRECTS)
        .max_response_header_size(HEAD_LIMIT)
        .user_agent(concat!("netboot-stage1/", env!("CARGO_PKG_VERSION")))
        .accept("*/*")
        .accept_encoding("identity")
        .input_buffer_size(BUFFER)
        .output_buffer_size(HEAD_LIMIT)
        .max_idle_connections(connections)
        .max_idle_connections_per_host(connections)
        .timeout_resolve(Some(patience.connect()))
        .timeout_connect(Some(patience.connect()))
        .timeout_send_request(Some(patience.connect()))
        .timeout_recv_response(Some(patience.stall()))
        .timeout_per_read(Some(patience.stall()))
        .build();
    config.into()
}

/// Asks for a file from the byte `offset` on.
pub(crate) fn request(
    agent: &Agent,
    url: &str,
    offset: u64,
    ranges: bool,
    patience: Patience,
) -> Result<Answer, Refusal> {
    let mut request = agent.get(url);
    let asks_for_part = ranges && offset > 0;
    if asks_for_part {
        request = request.header("Range", format!("bytes={offset}-"));
    }
    let answer = request.call().map_err(|error| refusal(error, patience.stall()))?;
    check(answer, offset, asks_for_part)
}

/// Returns the content of an answer, if it is the file or the part that was asked for.
fn check(answer: Response<Body>, offset: u64, asks_for_part: bool) -> Result<Answer, Refusal> {
    let header = |name| {
        let value = answer.headers().get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let status = answer.status().as_u16();
    let (skip, size) = match status {
        200 => (offset, header(CONTENT_LENGTH).and_then(|length| length.parse().ok())),
        206 if asks_for_part => {
            let range = header(CONTENT_RANGE).unwrap_or_default();
            let size = part_from(&range, offset);
            let problem = || malformed(format!("it sent another part of the file: {range}"));
            (0, size.ok_or_else(|| Refusal { problem: problem(), blame: Blame::Ranges })?)
        }
        416 if asks_for_part => {
            let problem = malformed("it does not have the rest of the file");
            return Err(Refusal { problem, blame: Blame::Ranges });
        }
        206 => return Err(Refusal::of_file("it sent a part of the file and was asked for all")),
        404 | 410 => return Err(Refusal { problem: FetchProblem::Missing, blame: Blame::File }),
        _ => {
            let may_pass = matches!(status, 408 | 425 | 429 | 500..);
            let problem = FetchProblem::Refused { status: status.into() };
            let blame = if may_pass { Blame::Source } else { Blame::File };
            return Err(Refusal { problem, blame });
        }
    };
    if let Some(encoding) = header(CONTENT_ENCODING).filter(|encoding| encoding != "identity") {
        return Err(Refusal::of_file(format!("it has the encoding {encoding}")));
    }
    let content_type = header(CONTENT_TYPE);
    let has_length = header(CONTENT_LENGTH).is_some();
    let body = answer.into_body().into_reader();
    Ok(Answer { body, skip, size, has_length, content_type })
}

/// The size of a file, if the server says it.
type StatedSize = Option<u64>;

/// Reads `Content-Range` (RFC 9110, section 14.4). Returns the size of the file. Returns `None`
/// unless the part is the rest of the file from `offset` on.
pub(crate) fn part_from(range: &str, offset: u64) -> Option<StatedSize> {
    let (part, size) = range.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = part.split_once('-')?;
    let number = |text: &str| -> Option<u64> {
        text.parse().ok().filter(|_| text.bytes().all(|digit| digit.is_ascii_digit()))
    };
    let (first, last) = (number(first)?, number(last)?);
    let size = if size == "*" { None } else { Some(number(size)?) };
    let is_rest = first == offset && size.is_none_or(|size| Some(size) == last.checked_add(1));
    is_rest.then_some(size)
}

/// Explains an error of the client.
pub(crate) fn refusal(error: ureq::Error, stall: Duration) -> Refusal {
    let unreachable =
        |reason: String| FetchProblem::Unreachable { reason: ConsoleText::new(reason) };
    let (problem, blame) = match error {
        ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect | Timeout::SendRequest) => {
            (unreachable("the server does not answer".to_owned()), Blame::Source)
        }
        ureq::Error::Timeout(_) => {
            (FetchProblem::Stalled { seconds: stall.as_secs() }, Blame::Source)
        }
        ureq::Error::Io(error) => (unreachable(error.to_string()), Blame::Source),
        ureq::Error::HostNotFound => {
            (unreachable("the name of the server has no address".to_owned()), Blame::Source)
        }
        ureq::Error::ConnectionFailed => (unreachable(error.to_string()), Blame::Source),
        ureq::Error::TooManyRedirects | ureq::Error::RedirectFailed => {
            (malformed("it redirects too often"), Blame::File)
        }
        ureq::Error::TlsRequired | ureq::Error::Tls(_) => {
            (malformed("it redirects to https, which this program does not speak"), Blame::File)
        }
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => {
            (malformed(format!("it redirects to a wrong URL: {error}")), Blame::File)
        }
        error => (malformed(error.to_string()), Blame::Source),
    };
    Refusal { problem, blame }
}
