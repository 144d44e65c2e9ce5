//! The lock of a target: an object that says who holds it, and is renewed as long as that lives.

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
use super::error::fail;
use super::object::delete_keys;
use super::settings::Settings;
use crate::error::Error;
use crate::store::StoreLock;

/// How often a lock that another holds is looked at.
const POLL: Duration = Duration::from_millis(250);
/// The longest lease that is waited for.
const LONGEST: Duration = Duration::from_secs(3600);
/// How long the end of a lock is waited for; after that, it ends with its lease.
const RELEASE_LIMIT: Duration = Duration::from_secs(5);

/// Takes locks, in a thread of its own.
///
/// A guard ends in a place that cannot wait for a request, in a program that may end right after.
/// So the requests for it are made elsewhere, over connections that depend on no other thread, and
/// the guard waits for that thread.
#[derive(Debug)]
pub(super) struct Leases {
    settings: Arc<Settings>,
    worker: Mutex<Option<Arc<Worker>>>,
}

#[derive(Debug)]
struct Worker {
    client: Arc<Client>,
    /// Only none while it is dropped.
    runtime: Option<Runtime>,
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Ends the lease when it is dropped.
struct Guard {
    release: Option<oneshot::Sender<()>>,
    released: Mutex<mpsc::Receiver<()>>,
    /// Lives as long as its lock.
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

    /// Waits until nobody else holds the lock at `key`, and takes it.
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
            // Nobody may be waiting any more.
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
            .map_err(|source| fail("lock", self.settings.bucket_url.to_string(), source))?;
        let client = Arc::new(Client::new(self.settings.clone())?);
        let made = Arc::new(Worker { client, runtime: Some(runtime) });
        *worker = Some(made.clone());
        Ok(made)
    }
}

/// Takes the lock, gives word of it, keeps it until it is asked to release it, and releases it.
/// Whoever waits for the word may give up at any time.
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
        // Ends when it is asked for, and when nobody can ask any more.
        while tokio::time::timeout(renewal, &mut release).await.is_err() {
            // An answer that comes after the lease has ended is none.
            let left = client.settings.lease.saturating_sub(lease.renewed.elapsed());
            let renewed = tokio::time::timeout(left, renew(client, key, &mut lease)).await;
            if renewed != Ok(true) {
                lost.cancel();
                tracing::warn!(%key, "lost the lock: it could not be renewed in time");
                return;
            }
        }
    }
    // What lies there is sure to be ours only as long as nobody can have taken it over.
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

/// A lock that is held.
struct Lease {
    etag: String,
    /// Since when at least the lease counts.
    renewed: Instant,
}

/// Takes the lock as soon as it is free: no object is there, or one that has not been renewed for
/// the time of its lease, by the clock of this machine alone. Gives up only between requests, so
/// that none takes the lock unseen.
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
            // Another was faster to take over what had ended.
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

/// Whether the lock is held still.
async fn renew(client: &Client, key: &Path, lease: &mut Lease) -> bool {
    let begun = Instant::now();
    match write(client, key, &Condition::Is(lease.etag.clone())).await {
        Ok(Some(etag)) => *lease = Lease { etag, renewed: begun },
        Ok(None) => return false,
        // It may pass, as long as nobody else can have taken the lock.
        Err(error) => tracing::warn!(%key, %error, "cannot renew the lock"),
    }
    lease.renewed.elapsed() < client.settings.lease
}

/// A lock object of somebody.
#[derive(Debug, PartialEq, Eq)]
struct Held {
    etag: String,
    lease: Duration,
}

/// The text of a lock: for how many milliseconds it holds without being renewed, and something
/// that no other text has, so that no two have one `ETag`.
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
        ConditionalPut::Refused => Ok(None),
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
    // What cannot be read is given as long as a lock of ours.
    let lease = lease.and_then(|milliseconds| milliseconds.parse().ok());
    let lease = lease.map_or(client.settings.lease, Duration::from_millis).min(LONGEST);
    Ok(Some(Held { etag, lease }))
}
