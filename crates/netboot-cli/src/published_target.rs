//! The target of a command that reads or changes what is published there.

use std::future::Future;

use clap::Args;
use netboot_core::{PointerName, Report, layout};
use netboot_publish::{ListScope, Publisher};

use crate::error::Error;
use crate::failure::Cancelled;
use crate::publisher_settings::{PublisherSettings, ReaderSettings};
use crate::session::Session;
use crate::target::Target;

/// A target that has something to show.
#[derive(Debug, Clone, Args)]
pub(crate) struct PublishedTarget {
    /// The target: a directory, `s3://BUCKET/PREFIX`, `oci://HOST/REPOSITORY`, `USER@HOST:/PATH`,
    /// `rsync://HOST/MODULE/PATH`, or a name from netboot.toml.
    #[arg(value_name = "TARGET")]
    target: String,
}

impl PublishedTarget {
    /// A target as it was written.
    pub(crate) fn new(target: &str) -> Self {
        Self { target: target.to_owned() }
    }

    /// The target, as it was written.
    pub(crate) fn as_str(&self) -> &str {
        &self.target
    }

    /// Opens the target to read it.
    ///
    /// # Errors
    /// [`Error::NothingPublished`], [`Error::NoSuchDirectory`], [`Error::NotADirectory`] and
    /// [`Error::NoSuchPointer`]: a mistyped target is no target without damage. Also if it cannot
    /// be read.
    pub(crate) async fn read(
        &self,
        settings: &ReaderSettings,
        session: &Session,
    ) -> Result<Publisher, Report> {
        let (target, publisher) = self.look(settings, session).await?;
        require_pointer(&target, &publisher, session).await?;
        Ok(publisher)
    }

    /// Opens the target without a look at what is there. The publisher only reads.
    ///
    /// # Errors
    /// If the text is no target, or the target cannot be opened.
    pub(crate) async fn open(
        &self,
        settings: &ReaderSettings,
        session: &Session,
    ) -> Result<(Target, Publisher), Report> {
        let target = session.target(&self.target)?;
        let publisher = settings.apply(target.reader().await?);
        Ok((target, publisher))
    }

    /// Opens the target to change it.
    ///
    /// # Errors
    /// The errors of [`read`](Self::read); if a bucket cannot be written.
    pub(crate) async fn change(
        &self,
        settings: &PublisherSettings,
        session: &Session,
    ) -> Result<Publisher, Report> {
        let (target, _) = self.look(settings.reader(), session).await?;
        Ok(settings.apply(target.publisher().await?))
    }

    /// Opens the target to change what its pointer says is wanted.
    ///
    /// # Errors
    /// The errors of [`change`](Self::change), and [`Error::NoSuchPointer`].
    pub(crate) async fn change_by_pointer(
        &self,
        settings: &PublisherSettings,
        session: &Session,
    ) -> Result<Publisher, Report> {
        let (target, reader) = self.look(settings.reader(), session).await?;
        require_pointer(&target, &reader, session).await?;
        Ok(settings.apply(target.publisher().await?))
    }

    /// Looks at the target without writing there, as opening a bucket to change it would. So a
    /// mistyped one stays as it is.
    async fn look(
        &self,
        settings: &ReaderSettings,
        session: &Session,
    ) -> Result<(Target, Publisher), Report> {
        let (target, publisher) = self.open(settings, session).await?;
        require_published(&target, &publisher, session).await?;
        Ok((target, publisher))
    }
}

/// Waits for work that changes nothing, until it is cancelled.
///
/// # Errors
/// The errors of the work; [`Cancelled`] if the work was cancelled.
pub(crate) async fn until_cancelled<T, E: Into<Report>>(
    session: &Session,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, Report> {
    tokio::select! {
        done = work => done.map_err(Into::into),
        () = session.context.cancellation().cancelled() => {
            Err(Cancelled::report("nothing was changed"))
        }
    }
}

/// Replaces the failure of work that was cancelled by `outcome`, a clause about what was done.
///
/// # Errors
/// The errors of the work.
pub(crate) fn unless_cancelled<T, E: Into<Report>>(
    session: &Session,
    done: Result<T, E>,
    outcome: impl FnOnce() -> String,
) -> Result<T, Report> {
    done.map_err(|error| {
        if session.context.cancellation().is_cancelled() {
            Cancelled::report(outcome())
        } else {
            error.into()
        }
    })
}

/// Returns true if the target has a release or the pointer.
pub(crate) async fn is_published(publisher: &Publisher) -> Result<bool, netboot_publish::Error> {
    let (store, pointer) = (publisher.store(), layout::pointer(publisher.pointer()));
    Ok(!store.list(&ListScope::Below(layout::releases())).await?.is_empty()
        || store.read(&pointer).await?.is_some())
}

async fn require_published(
    target: &Target,
    publisher: &Publisher,
    session: &Session,
) -> Result<(), Report> {
    if until_cancelled(session, is_published(publisher)).await? {
        return Ok(());
    }
    Err(match target.directory() {
        Some(path) if !path.is_dir() => Error::no_directory(path),
        _ => Error::NothingPublished { target: target.to_string() },
    }
    .into())
}

/// Fails if somebody named a pointer that does not exist. Without a name, nothing may be live yet.
async fn require_pointer(
    target: &Target,
    publisher: &Publisher,
    session: &Session,
) -> Result<(), Report> {
    let pointer = publisher.pointer();
    if *pointer == PointerName::default() {
        return Ok(());
    }
    let place = layout::pointer(pointer);
    if until_cancelled(session, publisher.store().read(&place)).await?.is_some() {
        return Ok(());
    }
    Err(Error::NoSuchPointer { pointer: pointer.clone(), target: target.to_string() }.into())
}
