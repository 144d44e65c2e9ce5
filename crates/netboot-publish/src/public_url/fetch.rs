//! Fetching one object, and describing the server's answer.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use netboot_core::{Content, Context, ReleasePath, Sha256Hasher};
use reqwest::header::{AGE, CONTENT_LENGTH};
use reqwest::{Method, Response, StatusCode};
use tokio::time::{Instant, timeout_at};

use crate::error::Error;
use crate::finding::Finding;
use crate::public_url::{PATIENCE, PublicUrl, without_password};
use crate::store::DOCUMENT_LIMIT;

/// The least rate of a server, in bytes per second. A machine would not wait for a slower one.
const LEAST_RATE: u64 = 16 * 1024;

/// A fetched object.
#[derive(Debug)]
pub(crate) struct Fetched {
    /// The size and digest of the received bytes.
    pub(crate) content: Content,
    /// The bytes, if the caller asked to keep them.
    pub(crate) bytes: Bytes,
    /// The URL that a redirection led to, if there was one.
    pub(crate) redirected: Option<String>,
    /// True if the redirection led from http to https.
    pub(crate) to_https: bool,
    /// The age of the answer in a cache, in seconds.
    pub(crate) age: Option<u64>,
    /// True if the server announced the length.
    pub(crate) has_length: bool,
    /// The number of bytes read.
    pub(crate) received: u64,
}

/// A server's description of an object, without the object.
#[derive(Debug)]
pub(crate) struct Head {
    /// The length in bytes.
    pub(crate) length: Option<u64>,
    /// The URL that a redirection led to, if there was one.
    pub(crate) redirected: Option<String>,
    /// True if the redirection led from http to https.
    pub(crate) to_https: bool,
}

impl PublicUrl {
    /// Asks for the length of an object. Returns a finding if the answer is wrong.
    pub(crate) async fn head(
        &self,
        path: &ReleasePath,
        context: &Context,
    ) -> Result<Result<Head, Finding>, Error> {
        let response = match self.request(Method::HEAD, path, context).await? {
            Ok(response) => response,
            Err(finding) => return Ok(Err(finding)),
        };
        let (redirected, to_https) = self.redirection(path, &response);
        Ok(Ok(Head { length: number(&response, &CONTENT_LENGTH), redirected, to_https }))
    }

    /// Fetches a small object and keeps its bytes. Returns a finding if the answer is wrong.
    pub(crate) async fn fetch(
        &self,
        path: &ReleasePath,
        context: &Context,
    ) -> Result<Result<Fetched, Finding>, Error> {
        let fetched = self.fetch_up_to(path, DOCUMENT_LIMIT, true, |_| (), context).await?;
        // Netboot writes no larger object that it reads whole.
        let small = |fetched: &Fetched| fetched.content.size <= DOCUMENT_LIMIT;
        Ok(match fetched {
            Ok(fetched) if !small(&fetched) => Err(foreign(path.clone(), &fetched)),
            fetched => fetched,
        })
    }

    /// Fetches an object. Returns a finding if the answer is wrong. Stops reading soon after
    /// `limit` bytes, since a server may send without end. `count` gets the numbers of bytes.
    pub(crate) async fn fetch_up_to(
        &self,
        path: &ReleasePath,
        limit: u64,
        keep: bool,
        count: impl Fn(u64) + Send,
        context: &Context,
    ) -> Result<Result<Fetched, Finding>, Error> {
        let mut response = match self.request(Method::GET, path, context).await? {
            Ok(response) => response,
            Err(finding) => return Ok(Err(finding)),
        };
        let (redirected, to_https) = self.redirection(path, &response);
        let announced = number(&response, &CONTENT_LENGTH);
        let age = number(&response, &AGE);
        let (mut hasher, mut kept, mut received) = (Sha256Hasher::new(), BytesMut::new(), 0);
        let deadline = Instant::now() + PATIENCE + Duration::from_secs(limit / LEAST_RATE);
        while received <= limit {
            let chunk = tokio::select! {
                chunk = timeout_at(deadline, response.chunk()) => chunk,
                () = context.cancellation().cancelled() => return Err(Error::Cancelled),
            };
            match chunk.unwrap_or(Ok(None)) {
                // The server has kept the connection busy with too few bytes.
                Ok(None) if Instant::now() >= deadline => {
                    let path = path.clone();
                    return Ok(Err(Finding::CutShort { path, announced, received }));
                }
                Ok(Some(chunk)) => {
                    received += chunk.len() as u64;
                    count(chunk.len() as u64);
                    hasher.update(&chunk);
                    if keep {
                        kept.extend_from_slice(&chunk);
                    }
                }
                Ok(None) => break,
                // The server answered, but the answer ended too early.
                Err(_) => {
                    let path = path.clone();
                    return Ok(Err(Finding::CutShort { path, announced, received }));
                }
            }
        }
        let (sha256, _) = hasher.finish();
        // If reading stopped early, only the server knows the size.
        let size = announced.unwrap_or(0).max(received);
        Ok(Ok(Fetched {
            content: Content { size, sha256 },
            bytes: kept.freeze(),
            redirected,
            to_https,
            age,
            has_length: announced.is_some(),
            received,
        }))
    }

    async fn request(
        &self,
        method: Method,
        path: &ReleasePath,
        context: &Context,
    ) -> Result<Result<Response, Finding>, Error> {
        context.check()?;
        let request = self.client.request(method, self.url(path)).send();
        let response = tokio::select! {
            response = request => response,
            () = context.cancellation().cancelled() => return Err(Error::Cancelled),
        };
        let response = response.map_err(|source| Error::PublicUrl {
            url: without_password(self.url(path).as_str()),
            source: Box::new(source.without_url()),
        })?;
        let path = path.clone();
        Ok(match response.status() {
            StatusCode::OK => Ok(response),
            StatusCode::NOT_FOUND | StatusCode::GONE => Err(Finding::Missing { path }),
            status => Err(Finding::Refused { path, status: status.as_u16() }),
        })
    }

    /// Returns the URL after a redirection, and true if it led from http to https.
    fn redirection(&self, path: &ReleasePath, response: &Response) -> (Option<String>, bool) {
        let (asked, answered) = (self.url(path), response.url());
        let mut plain = asked.clone();
        // The client reports the URL without credentials.
        let _ = plain.set_password(None);
        let _ = plain.set_username("");
        let same = *answered == asked || *answered == plain;
        let redirected = (!same).then(|| without_password(answered.as_str()));
        (redirected, asked.scheme() == "http" && answered.scheme() == "https")
    }
}

fn number(response: &Response, name: &reqwest::header::HeaderName) -> Option<u64> {
    response.headers().get(name)?.to_str().ok()?.trim().parse().ok()
}

/// The finding for a file that netboot did not write. After a redirection it may be a login page.
pub(crate) fn foreign(path: ReleasePath, fetched: &Fetched) -> Finding {
    match fetched.redirected.clone() {
        Some(to) => Finding::Redirected { path, to },
        None => Finding::Foreign { path },
    }
}
