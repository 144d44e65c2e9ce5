//! The store that `rsync` writes to.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::SeekFrom;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use netboot_core::{ArtifactKind, ArtifactReader, BytesArtifact, Context, FileName, ReleasePath};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::sync::RwLockWriteGuard;
use tokio::task::JoinHandle;

use super::look;
use super::new_directories::NewDirectories;
use super::order;
use super::reading::{self, Fetched};
use super::record::Record;
use super::session::Session;
use super::settings::Settings;
use super::target::RsyncTarget;
use super::writing;
use crate::error::Error;
use crate::store::{
    Answer, Capabilities, DOCUMENT_LIMIT, Document, Entry, ListScope, Listed, MissingFeature,
    Question, Store, StoreLock, Swap, Upload, Version,
};

/// A directory of another machine, which a web server there serves. `rsync` reaches it by ssh or
/// through a daemon.
///
/// The store runs the programs `rsync` (3.1 or later, on both sides) and, for an ssh target, ssh.
/// It creates the target directory if only the last part of its path is missing.
///
/// - The far side's `rsync` writes each file to a temporary file and renames it into place. A
///   reader sees the old file or the new one.
/// - After a broken connection, the far side keeps the partial file in `.netboot-partial`, and the
///   next run continues it. `rsync` checks the checksum of each complete file.
/// - With `fsync` (rsync 3.2.4 on both sides), a file is on the disk before it is renamed. The
///   directory is not synced. A crash of that machine may therefore undo the last seconds of a
///   publish, but never damages a file.
/// - `rsync` offers neither compare-and-swap nor a lock. The last of two simultaneous publishers
///   wins, and the receipt says so.
/// - Files get mode 0644, and new directories get mode 0755. If the group may write to the target
///   directory, it may write to them too, and new directories inherit its set-group-ID bit. The
///   store cannot tell for an account that may only write. Existing directories keep their mode.
/// - ssh checks host keys against `known_hosts` or a pinned key. An unknown key is an error. ssh
///   never asks for a password.
/// - All runs share one ssh connection. The store opens it when it is first needed, opens it again
///   if it is lost, and closes it when the store is dropped or this process ends. If the server
///   limits the sessions of one connection (`MaxSessions`), other runs open their own.
/// - `rsync` gets none of this process's `RSYNC_*` variables, and ssh does not read the user's
///   configuration. Cancelling the work stops both.
/// - The times of files are whole seconds.
///
/// # Runs
/// To publish a release takes at most six runs of `rsync`, and one if the release is live already.
/// Links of the old layout, a binary cache and a question of a signer's owner cost more.
/// 1. A *look* fetches the pointer, the manifest and the entry points, and tells the sizes of all
///    other files. One run suffices because `look` may answer each part from another moment
///    (sentence 15 of the contract of [`Store`]). A file of the expected size counts as the same
///    file, as in a listing: by sentences 2 and 3, a sent file has arrived whole.
/// 2. The missing files go out in one run: blobs, then the record `incomplete.json`, then the files
///    of the release. The receiver puts one file after another into place, in the order of their
///    names (sentence 16). Here the record comes after the blobs. Until it is there, only their
///    age protects new blobs from a publisher that prunes at the same time. A store with a lock
///    sends the record first; this one has no lock in any case.
/// 3. The manifest goes out in a run of its own, because only a whole release may count as staged
///    (promise 3 of [`Publisher`](crate::Publisher)). Entry points go with it: a machine that reads
///    one gets the live release all the same (promise 1).
/// 4. A second look finds what another publisher deleted or replaced meanwhile (promises 3 and 4).
///    Nothing that it tells is asked again.
/// 5. The pointer is replaced. The same run deletes `incomplete.json`, which may happen at any time
///    once the manifest is in place.
/// 6. The pointer is read again, because a store without compare-and-swap has to look for another
///    publisher that overtook this one (promise 4).
///
/// An account that may only write needs two runs for a look.
///
/// A daemon's module needs `read only = no`. For the links of the old layout it also needs
/// `munge symlinks = no`, because a web server cannot follow munged links.
///
/// ```no_run
/// use netboot_publish::{Publisher, RsyncStore, RsyncTarget};
///
/// let target: RsyncTarget = "publisher@boot.example.org:/srv/pxe/nixos".parse()?;
/// let publisher = Publisher::new(RsyncStore::open(target)?);
/// # Ok::<(), netboot_publish::Error>(())
/// ```
///
/// # Accounts that may only run rsync
/// The account needs no shell. This line in its `authorized_keys` restricts it to this target. The
/// target's path is then `/`:
/// ```text
/// command="rrsync /srv/pxe/nixos",restrict ssh-ed25519 AAAA…
/// ```
/// `rrsync` admits one client at a time. The store waits until it is admitted. It also waits for a
/// daemon that has its maximum number of connections.
///
/// # Accounts that may only write
/// With `rrsync -wo`, or `write only = yes` of a daemon, the store cannot read files back. Declare
/// this with [`write_only`](super::RsyncStoreBuilder::write_only). The store then keeps a copy of
/// everything that it sends in a directory of this machine, the *record*, and reads the record
/// instead. Before it returns anything from the record, it asks `rsync` what it would send again.
/// This finds files that are missing or have another size. For small files, and for files that are
/// read, it also finds other bytes. So releases can be published, verified by content, rolled back
/// and pruned as with other stores. The store cannot see:
/// - the files of others, except under a name that a publisher uses: such a file counts as one that
///   netboot did not write;
/// - whether links were changed;
/// - releases that were published with another record.
#[derive(Debug, Clone)]
pub struct RsyncStore {
    session: Arc<Session>,
    record: Option<Arc<Record>>,
}

impl RsyncStore {
    pub(super) fn new(settings: Settings, record: Option<PathBuf>) -> Self {
        let record = record.map(|directory| Arc::new(Record::new(directory)));
        Self { session: Arc::new(Session::new(settings)), record }
    }

    /// Returns true if the store reads from a record instead of the target.
    pub fn is_write_only(&self) -> bool {
        self.record.is_some()
    }

    async fn new_directories(
        &self,
        paths: impl IntoIterator<Item = &ReleasePath>,
        context: &Context,
    ) -> Result<NewDirectories, Error> {
        match &self.record {
            None => NewDirectories::of(&self.session, paths, context).await,
            Some(_) => NewDirectories::by_asking(&self.session, paths, context).await,
        }
    }

    async fn file(&self, path: &ReleasePath) -> Result<Option<tokio::fs::File>, Error> {
        let fetched = reading::fetch(&self.session, path, None, &Context::new()).await?;
        Ok(fetched.file().map(tokio::fs::File::from_std))
    }

    /// Sends files and deletes others, in one run. Returns the deletion of the copies that the run
    /// needed.
    async fn send_and_delete(
        &self,
        uploads: Vec<Upload>,
        unneeded: &[ReleasePath],
        context: &Context,
    ) -> Result<Option<JoinHandle<()>>, Error> {
        context.check()?;
        if uploads.is_empty() {
            return Ok(None);
        }
        let _changing = changing(self.record.as_deref()).await;
        let paths = uploads.iter().map(Upload::path);
        let directories = self.new_directories(paths, context).await?;
        let copies = writing::send(&self.session, &uploads, unneeded, directories, context).await?;
        if let Some(record) = &self.record {
            // The progress was reported already.
            let quiet = Context::new().with_cancellation(context.cancellation().clone());
            record.copy.send(uploads, &quiet).await?;
            record.copy.delete(unneeded, &quiet).await?;
        }
        Ok(Some(copies))
    }

    /// The target.
    pub fn target(&self) -> &RsyncTarget {
        &self.session.settings.target
    }
}

impl fmt::Display for RsyncStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.target(), f)
    }
}

#[async_trait]
impl Store for RsyncStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities::none().with_links(true)
    }

    fn missing_features(&self) -> BTreeSet<MissingFeature> {
        let mut missing = MissingFeature::of(self.capabilities());
        missing.extend(self.session.lacks_fsync().then_some(MissingFeature::Fsync));
        missing
    }

    async fn stat(&self, paths: &[ReleasePath]) -> Result<BTreeMap<ReleasePath, Entry>, Error> {
        if paths.is_empty() {
            return Ok(BTreeMap::new());
        }
        if let Some(record) = &self.record {
            return record.stat(&self.session, paths).await;
        }
        let names = paths.iter().map(ReleasePath::as_str);
        let mut found = reading::stat(&self.session, names, &Context::new()).await?;
        let entry = |path: &ReleasePath| Some((path.clone(), found.remove(path.as_str())?));
        Ok(paths.iter().filter_map(entry).collect())
    }

    async fn list(&self, scope: &ListScope) -> Result<Vec<Listed>, Error> {
        if let Some(record) = &self.record {
            return record.list(&self.session, scope).await;
        }
        let below = match scope {
            ListScope::Root => None,
            ListScope::Below(path) => Some(path),
        };
        reading::list(&self.session, below, &Context::new()).await
    }

    async fn read(&self, path: &ReleasePath) -> Result<Option<Document>, Error> {
        if let Some(record) = &self.record {
            return record.read(&self.session, path).await;
        }
        let fetched =
            reading::fetch(&self.session, path, Some(DOCUMENT_LIMIT), &Context::new()).await?;
        let file = match fetched {
            Fetched::File(file) => file,
            Fetched::Nothing => return Ok(None),
            Fetched::Larger => {
                let found = self.stat(std::slice::from_ref(path)).await?;
                let Some(size) = found.get(path).and_then(Entry::size) else { return Ok(None) };
                let path = path.clone();
                return Err(Error::TooLarge { path, size, limit: DOCUMENT_LIMIT });
            }
        };
        look::read(path, file).await.map(Some)
    }

    async fn open(&self, path: &ReleasePath) -> Result<Option<ArtifactReader>, Error> {
        if let Some(record) = &self.record {
            return record.open(&self.session, path).await;
        }
        let file = self.file(path).await?;
        Ok(file.map(|file| Box::pin(file) as ArtifactReader))
    }

    async fn open_range(
        &self,
        path: &ReleasePath,
        range: Range<u64>,
    ) -> Result<Option<ArtifactReader>, Error> {
        if let Some(record) = &self.record {
            return record.open_range(&self.session, path, range).await;
        }
        // rsync fetches whole files.
        let Some(mut file) = self.file(path).await? else { return Ok(None) };
        let failed = |source| Error::io("read", path.as_str(), source);
        let size = file.metadata().await.map_err(failed)?.len();
        file.seek(SeekFrom::Start(range.start.min(size))).await.map_err(failed)?;
        Ok(Some(Box::pin(file.take(range.end.saturating_sub(range.start)))))
    }

    async fn look(&self, question: &Question) -> Result<Answer, Error> {
        match &self.record {
            Some(record) => record.look(&self.session, question).await,
            None => look::look(&self.session, question, &Context::new()).await,
        }
    }

    async fn send(&self, uploads: Vec<Upload>, context: &Context) -> Result<(), Error> {
        finish(self.send_and_delete(uploads, &[], context).await?).await;
        Ok(())
    }

    async fn send_in_order(
        &self,
        batches: Vec<Vec<Upload>>,
        context: &Context,
    ) -> Result<(), Error> {
        let mut copies = Vec::new();
        for batch in order::joined(batches) {
            copies.extend(self.send_and_delete(batch, &[], context).await?);
        }
        finish(copies).await;
        Ok(())
    }

    async fn swap(
        &self,
        path: &ReleasePath,
        expected: Option<&Version>,
        content: Bytes,
    ) -> Result<Swap, Error> {
        self.swap_and_delete(path, expected, content, &[]).await
    }

    async fn swap_and_delete(
        &self,
        path: &ReleasePath,
        _expected: Option<&Version>,
        content: Bytes,
        unneeded: &[ReleasePath],
    ) -> Result<Swap, Error> {
        let name = FileName::new(path.as_str().rsplit('/').next().unwrap_or_default())?;
        let artifact = BytesArtifact::new(ArtifactKind::Script, name, content)?;
        let uploads = vec![Upload::new(path.clone(), artifact)];
        finish(self.send_and_delete(uploads, unneeded, &Context::new()).await?).await;
        Ok(Swap::Done)
    }

    async fn delete(&self, paths: &[ReleasePath], context: &Context) -> Result<(), Error> {
        context.check()?;
        if paths.is_empty() {
            return Ok(());
        }
        let _changing = changing(self.record.as_deref()).await;
        writing::delete(&self.session, paths, self.record.is_none(), context).await?;
        match &self.record {
            Some(record) => record.copy.delete(paths, context).await,
            None => Ok(()),
        }
    }

    async fn link(&self, links: &BTreeMap<ReleasePath, String>) -> Result<(), Error> {
        if links.is_empty() {
            return Ok(());
        }
        let context = Context::new();
        let _changing = changing(self.record.as_deref()).await;
        let directories = self.new_directories(links.keys(), &context).await?;
        writing::link(&self.session, links, directories, &context).await?;
        match &self.record {
            Some(record) => record.copy.link(links).await,
            None => Ok(()),
        }
    }

    async fn lock(&self, context: &Context) -> Result<StoreLock, Error> {
        context.check()?;
        Ok(StoreLock::none())
    }
}

/// Waits until copies of files are deleted.
async fn finish(copies: impl IntoIterator<Item = JoinHandle<()>>) {
    for deletion in copies {
        // A panic is printed where it happens, and the files stay.
        let _ = deletion.await;
    }
}

/// Locks the record while the target and the record are changed.
async fn changing(record: Option<&Record>) -> Option<RwLockWriteGuard<'_, ()>> {
    match record {
        Some(record) => Some(record.changing.write().await),
        None => None,
    }
}
