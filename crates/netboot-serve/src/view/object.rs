//! Looking for an object in the store of a view, and opening it.

use std::io;
use std::ops::Range;
use std::time::SystemTime;

use bytes::{Bytes, BytesMut};
use hyper::Response;
use hyper::header::CACHE_CONTROL;
use netboot_core::layout::Location;
use netboot_core::{ArtifactReader, ReleasePath, Sha256Digest};
use netboot_publish::{Entry, Error};
use tokio::io::AsyncReadExt;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::StoreView;
use super::request::Wanted;
use super::responses::{NO_STORE, head, whole};
use crate::body::{CHUNK, Rest, ViewBody};
use crate::conditions::Decision;
use crate::problem::Problem;
use crate::tag::Tag;

/// The size in bytes from which an object is streamed. A smaller one is read into memory.
const LARGE: usize = 256 * 1024;
/// The number of attempts to open an object that is replaced each time.
const ATTEMPTS: usize = 3;

/// An object that can be answered with.
struct Found<'a> {
    size: u64,
    tag: Tag,
    /// The digest that its bytes have to have.
    digest: Option<Sha256Digest>,
    wanted: Wanted<'a>,
}

impl StoreView {
    /// The answer with an object, within the limits of the store. `None` if there is no object.
    pub(super) async fn find(
        &self,
        wanted: Wanted<'_>,
    ) -> Result<Option<Response<ViewBody>>, Error> {
        let mut is_open = false;
        let answer = async {
            // Nobody closes the semaphore.
            let Ok(permit) = self.open_objects.clone().acquire_owned().await else {
                return Ok(None);
            };
            is_open = true;
            match Location::parse(wanted.path.as_str()) {
                Some(Location::Blob(digest)) => self.blob(wanted, digest, permit).await,
                _ => self.document(wanted, permit).await,
            }
        };
        let after = self.limits.answer;
        let answer = timeout(after, answer).await;
        let open = self.limits.open_objects;
        let problem =
            if is_open { Problem::Silent(after) } else { Problem::TooManyOpen { open, after } };
        answer.unwrap_or_else(|_| Err(self.problem(wanted.path, problem)))
    }

    /// A blob never changes, and its digest tells whether it is sound. A large one is checked while
    /// it is sent.
    async fn blob(
        &self,
        wanted: Wanted<'_>,
        digest: Sha256Digest,
        permit: OwnedSemaphorePermit,
    ) -> Result<Option<Response<ViewBody>>, Error> {
        let Some((size, _)) = self.entry(wanted.path).await? else { return Ok(None) };
        let tag = Tag::of_digest(digest);
        let found = Found { size, tag, digest: Some(digest), wanted };
        let range = match found.range() {
            Ok(range) => range,
            Err(response) => return Ok(Some(*response)),
        };
        if size >= LARGE as u64 {
            let opened = self.open_part(wanted.path, &range, size).await?;
            return Ok(opened.map(|reader| self.streamed(&found, range, reader, permit)));
        }
        let Some(reader) = self.open(wanted.path).await? else { return Ok(None) };
        match small(reader).await.map_err(|error| self.reading(wanted.path, error))? {
            Some(bytes) if Sha256Digest::of(&bytes) == digest => {
                Ok(Some(whole(wanted, &found.tag, bytes)))
            }
            _ => Err(self.problem(wanted.path, Problem::WrongDigest)),
        }
    }

    /// Any other object, which somebody may replace meanwhile.
    async fn document(
        &self,
        wanted: Wanted<'_>,
        permit: OwnedSemaphorePermit,
    ) -> Result<Option<Response<ViewBody>>, Error> {
        let path = wanted.path;
        let Some(reader) = self.open(path).await? else { return Ok(None) };
        if let Some(bytes) = small(reader).await.map_err(|error| self.reading(path, error))? {
            let tag = Tag::of_digest(Sha256Digest::of(&bytes));
            return Ok(Some(whole(wanted, &tag, bytes)));
        }
        for _ in 0..ATTEMPTS {
            let entry = self.entry(path).await?;
            let Some((size, modified)) = entry else { return Ok(None) };
            let tag = Tag::of_entry(size, modified, SystemTime::now());
            let found = Found { size, tag, digest: None, wanted };
            let range = match found.range() {
                Ok(range) => range,
                Err(response) => return Ok(Some(*response)),
            };
            let opened = self.open_part(path, &range, size).await?;
            let Some(reader) = opened else { return Ok(None) };
            // The reader has the version of the entry only if that is still the same.
            if self.entry(path).await? == entry {
                return Ok(Some(self.streamed(&found, range, reader, permit)));
            }
        }
        Err(self.problem(path, Problem::Replaced))
    }

    /// The answer with a large object, or a part of it.
    fn streamed(
        &self,
        found: &Found<'_>,
        range: Range<u64>,
        reader: ArtifactReader,
        permit: OwnedSemaphorePermit,
    ) -> Response<ViewBody> {
        let Found { size, ref tag, digest, wanted } = *found;
        let is_whole = range == (0..size);
        let length = range.end - range.start;
        let decision = if is_whole { Decision::Whole } else { Decision::Part(range) };
        let mut response = head(wanted.path, tag, &decision, size);
        if digest.is_some() && !is_whole {
            // Nothing tells whether a part of a blob is sound.
            response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
        }
        let (view, path) = (self.clone(), wanted.path.clone());
        let on_failure =
            Box::new(move |error| (view.on_failure)(&path, view.reading(&path, error)));
        let digest = digest.filter(|_| is_whole);
        let silence = self.limits.silence;
        let rest = Rest::new(reader, length, digest, silence, on_failure, permit);
        *response.body_mut() = ViewBody::streamed(rest);
        response
    }

    /// The size and the time of an object.
    async fn entry(&self, path: &ReleasePath) -> Result<Option<(u64, SystemTime)>, Error> {
        match self.store.stat(std::slice::from_ref(path)).await?.get(path) {
            Some(Entry::Object { size, modified }) => Ok(Some((*size, *modified))),
            _ => Ok(None),
        }
    }

    async fn open(&self, path: &ReleasePath) -> Result<Option<ArtifactReader>, Error> {
        object_of(self.store.open(path).await)
    }

    async fn open_part(
        &self,
        path: &ReleasePath,
        range: &Range<u64>,
        size: u64,
    ) -> Result<Option<ArtifactReader>, Error> {
        if *range == (0..size) {
            return self.open(path).await;
        }
        object_of(self.store.open_range(path, range.clone()).await)
    }

    /// The error of a reader of an object.
    fn reading(&self, path: &ReleasePath, source: io::Error) -> Error {
        let of_view = |source: io::Error| Ok(self.problem(path, source.downcast()?));
        source.downcast().or_else(of_view).unwrap_or_else(|source| Error::Io {
            action: "read",
            path: path.as_str().into(),
            source,
        })
    }

    fn problem(&self, path: &ReleasePath, problem: Problem) -> Error {
        Error::store(&self.store, "read", path, problem)
    }
}

impl Found<'_> {
    /// The part of the object that has to be sent, or an answer without a body.
    fn range(&self) -> Result<Range<u64>, Box<Response<ViewBody>>> {
        let decision = self.wanted.decide(&self.tag, self.size);
        match decision {
            Decision::Whole if !self.wanted.is_head => Ok(0..self.size),
            Decision::Part(range) => Ok(range),
            _ => Err(Box::new(head(self.wanted.path, &self.tag, &decision, self.size))),
        }
    }
}

/// A directory or a link is no object.
fn object_of(
    opened: Result<Option<ArtifactReader>, Error>,
) -> Result<Option<ArtifactReader>, Error> {
    use netboot_core::Error::{NotAFile, SymbolicLink};
    match opened {
        Err(Error::Target(NotAFile { .. } | SymbolicLink { .. })) => Ok(None),
        opened => opened,
    }
}

/// The bytes of an object. `None` if it is large.
async fn small(reader: ArtifactReader) -> io::Result<Option<Bytes>> {
    let mut reader = reader.take(LARGE as u64);
    // The buffer doubles when it is full, up to exactly this size.
    let mut bytes = BytesMut::with_capacity(CHUNK);
    while bytes.len() < LARGE {
        if reader.read_buf(&mut bytes).await? == 0 {
            return Ok(Some(bytes.freeze()));
        }
    }
    Ok(None)
}
