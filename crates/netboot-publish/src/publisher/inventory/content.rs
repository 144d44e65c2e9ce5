//! Reading an object, and hashing it.

use netboot_core::{Content, Context, ReleasePath, Sha256Hasher};
use tokio::io::AsyncReadExt;

use crate::error::Error;
use crate::store::{Document, Store};

/// Reads a small object. Returns `None` if it is missing or something that is no object lies there.
pub(crate) async fn read_object(
    store: &dyn Store,
    path: &ReleasePath,
) -> Result<Option<Document>, Error> {
    match store.read(path).await {
        Err(error) if error.is_no_object() => Ok(None),
        read => read,
    }
}

/// Reads and hashes an object. Returns `None` if it is missing. The caller can cancel this even if
/// the store no longer answers. `count` gets the number of bytes of each read.
pub(crate) async fn content_of(
    store: &dyn Store,
    path: &ReleasePath,
    count: impl Fn(u64),
    context: &Context,
) -> Result<Option<Content>, Error> {
    tokio::select! {
        biased;
        () = context.cancellation().cancelled() => Err(Error::Cancelled),
        read = read_content(store, path, count, context) => read,
    }
}

async fn read_content(
    store: &dyn Store,
    path: &ReleasePath,
    count: impl Fn(u64),
    context: &Context,
) -> Result<Option<Content>, Error> {
    let opened = match store.open(path).await {
        Err(error) if error.is_no_object() => None,
        opened => opened?,
    };
    let Some(mut reader) = opened else { return Ok(None) };
    let mut hasher = Sha256Hasher::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        context.check()?;
        let read = match reader.read(&mut buffer).await {
            Ok(read) => read,
            // Somebody may have deleted the object while it was read.
            Err(_) if store.stat(std::slice::from_ref(path)).await?.is_empty() => return Ok(None),
            Err(source) => return Err(Error::reading(path, source)),
        };
        if read == 0 {
            break;
        }
        hasher.update(&buffer[..read]);
        count(u64::try_from(read).unwrap_or(u64::MAX));
    }
    let (sha256, size) = hasher.finish();
    Ok(Some(Content { size, sha256 }))
}
