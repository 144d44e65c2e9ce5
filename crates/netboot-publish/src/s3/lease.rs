//! The lock of a target: an object that its holder renews for as long as it holds the lock.

use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use netboot_core::{CancellationToken, Context};
use object_store::path::Path;
use object_store::{Attributes, Error as S3Error, ObjectStoreExt};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use super::client::Client;
use super::conditional_put::{Condition, ConditionalPut, conditional_put, nonce};
use super::deletion::delete_keys;
use super::error::request_error;
use super::settings::Settings;
use crate::error::Error;
use crate::store::StoreLock;

/// The time between two looks at a lock that another publisher holds.
const POLL: Duration = Duration::from_millis(250);
/// The longest lease that the store waits for.
const LONGEST: Duration = Duration::from_secs(3600);
/// The maximum time to wait for the release of a lock. After that, it ends with its lease.
const RELEASE_LIMIT: Duration = Duration::from_secs(5);

/// Acquires and releases locks in a thread of its own.
///
/// A guard is dropped where no request can be awaited, and the program may end right after. So
/// another thread makes the requests, over its own connections, and the guard waits for that
/// thread.
#[derive(Debug)]
pub(super) struct Leases {
    settings: Arc<Settings>,
    worker: Mutex<Option<Arc<Worker>>>,
}

#[derive(Debug)]
struct Worker {
    client: Arc<Client>,
    /// `None` only during the drop.
    runtime: Option<Runtime>,
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Releases the lock when it is dropped.
struct Guard {
    release: Option<oneshot::Sender<()>>,
    released: Mutex<mpsc::Receiver<()>>,
    /// Keeps the thread running while the lock is held.
    _worker: Arc<Worker>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(release) = self.release.take()
            && release.send(()).is_ok()
        {
            let released = self.released.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = released.recv_timeout(RELEASE_LIMIT);
        }
    }
}

impl Leases {
    pub(super) fn new(settings: Arc<Settings>) -> Self {
        Self { settings, worker: Mutex::new(None) }
    }

    /// Waits until no other publisher holds the lock at `key`, and acquires it.
    pub(super) async fn lock(&self, key: Path, context: &Context) -> Result<StoreLock, Error> {
        context.check()?;
        let worker = self.worker()?;
        let Some(runtime) = &worker.runtime else { return Err(Error::Cancelled) };
        let (give, mut take) = oneshot::channel();
        let (release, released_asked) = oneshot::channel();
        let (done, released) = mpsc::channel();
        let client = worker.client.clone();
        let lost = CancellationToken::new();
        let losing = lost.clone();
        runtime.spawn(async move {
            hold(&client, &key, give, released_asked, &losing).await;
            // The receiver may be gone.
            let _ = done.send(());
        });
        tokio::select! {
            biased;
            () = context.cancellation().cancelled() => Err(Error::Cancelled),
            taken = &mut take => {
                taken.map_err(|_| Error::Cancelled)??;
                let released = Mutex::new(released);
                let guard = Guard { release: Some(release), released, _worker: worker };
                Ok(StoreLock::new(guard).with_loss(lost))
            }
        }
    }

    fn worker(&self) -> Result<Arc<Worker>, Error> {
        let mut worker = self.worker.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(worker) = &*worker {
            return Ok(worker.clone());
        }
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("netboot-lock")
            .enable_all()
            .build()
            .map_err(|source| {
                request_error("lock", self.settings.bucket_url.to_string(), source)
            })?;
        let client = Arc::new(Client::new(self.settings.clone())?);
        let made = Arc::new(Worker { client, runtime: Some(runtime) });
        *worker = Some(made.clone());
        Ok(made)
    }
}

/// Acquires the lock, reports this by `give`, renews the lock until `release` completes, and
/// releases it. The receiver of `give` may be dropped at any time.
async fn hold(
    client: &Client,
    key: &Path,
    give: oneshot::Sender<Result<(), Error>>,
    mut release: oneshot::Receiver<()>,
    lost: &CancellationToken,
) {
    let mut lease = match acquire(client, key, || give.is_closed()).await {
        Ok(lease) => lease,
        Err(error) => {
            let _ = give.send(Err(error));
            return;
        }
    };
    if give.send(Ok(())).is_ok() {
        let renewal = client.settings.lease / 4;
        // The loop ends when a release is requested or when the sender is dropped.
        while tokio::time::timeout(renewal, &mut release).await.is_err() {
            // An answer that arrives after the end of the lease does not count.
            let left = client.settings.lease.saturating_sub(lease.renewed.elapsed());
            let renewed = tokio::time::timeout(left, renew(client, key, &mut lease)).await;
            if renewed != Ok(true) {
                lost.cancel();
                tracing::warn!(%key, "lost the lock: it could not be renewed in time");
                return;
            }
        }
    }
    // After the end of the lease, the object may be the lock of another publisher.
    let left = client.settings.lease.saturating_sub(lease.renewed.elapsed());
    let deleted = tokio::time::timeout(left, delete_keys(client, std::slice::from_ref(key))).await;
    match deleted {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::warn!(%key, %error, "cannot release the lock; it ends with its lease");
        }
        Err(_) => tracing::warn!(%key, "the lock was not released in time and has expired"),
    }
}

/// A lock that this process holds.
struct Lease {
    etag: String,
    /// The start of the last renewal, from which the lease counts at the latest.
    renewed: Instant,
}

/// Acquires the lock as soon as it is free: either there is no object, or it was not renewed during
/// its lease. Only the clock of this machine counts. Gives up only between requests, so that no
/// request acquires the lock unnoticed.
async fn acquire(
    client: &Client,
    key: &Path,
    is_given_up: impl Fn() -> bool,
) -> Result<Lease, Error> {
    let mut condition = Condition::Absent;
    let mut seen: Option<(Held, Instant)> = None;
    loop {
        let begun = Instant::now();
        match write(client, key, &condition).await? {
            Some(etag) => return Ok(Lease { etag, renewed: begun }),
            // Another publisher took over the expired lock first.
            None if condition != Condition::Absent => seen = None,
            None => {}
        }
        condition = loop {
            if is_given_up() {
                return Err(Error::Cancelled);
            }
            let Some(held) = look(client, key).await? else { break Condition::Absent };
            match &seen {
                Some((before, since)) if *before == held => {
                    if since.elapsed() > held.lease {
                        break Condition::Is(held.etag);
                    }
                }
                _ => seen = Some((held, Instant::now())),
            }
            tokio::time::sleep(POLL).await;
        };
    }
}

/// Renews the lock. Returns true if this process still holds it.
async fn renew(client: &Client, key: &Path, lease: &mut Lease) -> bool {
    let begun = Instant::now();
    match write(client, key, &Condition::Is(lease.etag.clone())).await {
        Ok(Some(etag)) => *lease = Lease { etag, renewed: begun },
        Ok(None) => return false,
        // Try again, as long as no other publisher can have taken over the lock.
        Err(error) => tracing::warn!(%key, %error, "cannot renew the lock"),
    }
    lease.renewed.elapsed() < client.settings.lease
}

/// The lock object of any publisher.
#[derive(Debug, PartialEq, Eq)]
struct Held {
    etag: String,
    lease: Duration,
}

/// The text of a lock: the lease in milliseconds, and a unique text, so that no two locks have the
/// same `ETag`.
fn text(lease: Duration) -> Bytes {
    format!("netboot lock {} {}\n", lease.as_millis(), nonce()).into()
}

async fn write(
    client: &Client,
    key: &Path,
    condition: &Condition,
) -> Result<Option<String>, Error> {
    let content = text(client.settings.lease);
    match conditional_put(client, key, condition, content, Attributes::new()).await? {
        ConditionalPut::Refused | ConditionalPut::Busy => Ok(None),
        ConditionalPut::Done { etag: Some(etag) } => Ok(Some(etag)),
        ConditionalPut::Done { etag: None } => Ok(look(client, key).await?.map(|held| held.etag)),
    }
}

async fn look(client: &Client, key: &Path) -> Result<Option<Held>, Error> {
    let failed = |source| client.error("lock", key, source);
    let answer = match client.reads.get(key).await {
        Ok(answer) => answer,
        Err(S3Error::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let etag = answer.meta.e_tag.clone().unwrap_or_default();
    let bytes = answer.bytes().await.map_err(failed)?;
    let text = String::from_utf8_lossy(&bytes);
    let lease = text.strip_prefix("netboot lock ").and_then(|rest| rest.split(' ').next());
    // A lock with an unreadable text gets the lease of this store.
    let lease = lease.and_then(|milliseconds| milliseconds.parse().ok());
    let lease = lease.map_or(client.settings.lease, Duration::from_millis).min(LONGEST);
    Ok(Some(Held { etag, lease }))
}
