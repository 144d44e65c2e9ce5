//! Layers around a store, and pointers to stores.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use netboot_core::{ArtifactReader, Context, ReleasePath};

use crate::error::Error;
use crate::store::{
    Answer, Capabilities, Document, Entry, ListScope, Listed, MissingFeature, Question, Store,
    StoreLock, Swap, Upload, Version,
};

/// A [`Store`] around another one, which changes some of its methods: to record, to limit, to
/// count, or to fail on purpose.
///
/// A layer returns its [`inner`](Self::inner) store and implements only the methods that it
/// changes. The other methods call the inner store, except three: [`look`](Self::look),
/// [`send_in_order`](Self::send_in_order) and [`swap_and_delete`](Self::swap_and_delete) call the
/// layer's own `stat`, `read`, `send`, `swap` and `delete`. So a layer that changes `send` sees
/// everything that is sent. A layer that changes none of those should pass the three on, since an
/// inner store may be faster. Every layer is a [`Store`] and has to keep its contract.
///
/// ```
/// use std::fmt;
/// use netboot_core::Context;
/// use netboot_publish::{Error, MemoryStore, Publisher, Store, StoreLayer, Upload, async_trait};
/// # use netboot_publish::contract::sample_release;
///
/// /// Prints what is sent.
/// #[derive(Debug)]
/// struct Talking<S>(S);
///
/// impl<S> fmt::Display for Talking<S> {
///     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
///         f.pad("a store that talks")
///     }
/// }
///
/// #[async_trait]
/// impl<S: Store> StoreLayer for Talking<S> {
///     fn inner(&self) -> &dyn Store {
///         &self.0
///     }
///
///     async fn send(&self, uploads: Vec<Upload>, context: &Context) -> Result<(), Error> {
///         for upload in &uploads {
///             println!("sending {}", upload.path());
///         }
///         self.0.send(uploads, context).await
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let release = sample_release("one");
/// let publisher = Publisher::new(Talking(MemoryStore::new()));
/// publisher.publish(&release, &Context::new()).await?;
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait StoreLayer: fmt::Debug + fmt::Display + Send + Sync {
    /// The store that this layer is around.
    fn inner(&self) -> &dyn Store;

    /// See [`Store::capabilities`].
    fn capabilities(&self) -> Capabilities {
        self.inner().capabilities()
    }

    /// See [`Store::missing_features`]. The default tells what this layer's
    /// [`capabilities`](Self::capabilities) lack, and what else the inner store lacks.
    fn missing_features(&self) -> BTreeSet<MissingFeature> {
        let inner = self.inner().missing_features().into_iter();
        let mut missing = MissingFeature::of(self.capabilities());
        missing.extend(inner.filter(|feature| !feature.is_capability()));
        missing
    }

    /// See [`Store::place`].
    ///
    /// # Errors
    /// See [`Store::place`].
    async fn place(&self) -> Result<String, Error> {
        self.inner().place().await
    }

    /// See [`Store::stat`].
    ///
    /// # Errors
    /// The errors of [`Store::stat`].
    async fn stat(&self, paths: &[ReleasePath]) -> Result<BTreeMap<ReleasePath, Entry>, Error> {
        self.inner().stat(paths).await
    }

    /// See [`Store::list`].
    ///
    /// # Errors
    /// The errors of [`Store::list`].
    async fn list(&self, scope: &ListScope) -> Result<Vec<Listed>, Error> {
        self.inner().list(scope).await
    }

    /// See [`Store::read`].
    ///
    /// # Errors
    /// The errors of [`Store::read`].
    async fn read(&self, path: &ReleasePath) -> Result<Option<Document>, Error> {
        self.inner().read(path).await
    }

    /// See [`Store::open`].
    ///
    /// # Errors
    /// The errors of [`Store::open`].
    async fn open(&self, path: &ReleasePath) -> Result<Option<ArtifactReader>, Error> {
        self.inner().open(path).await
    }

    /// See [`Store::open_range`]. A layer that changes [`open`](Self::open) changes this as well.
    ///
    /// # Errors
    /// The errors of [`Store::open_range`].
    async fn open_range(
        &self,
        path: &ReleasePath,
        range: Range<u64>,
    ) -> Result<Option<ArtifactReader>, Error> {
        self.inner().open_range(path, range).await
    }

    /// See [`Store::look`]. The default asks this layer's [`stat`](Self::stat) and
    /// [`read`](Self::read).
    ///
    /// # Errors
    /// The errors of [`Store::look`].
    async fn look(&self, question: &Question) -> Result<Answer, Error> {
        let paths: Vec<ReleasePath> = question.paths().cloned().collect();
        question.answer_by(self.stat(&paths), |path| self.read(path)).await
    }

    /// See [`Store::send`].
    ///
    /// # Errors
    /// The errors of [`Store::send`].
    async fn send(&self, uploads: Vec<Upload>, context: &Context) -> Result<(), Error> {
        self.inner().send(uploads, context).await
    }

    /// See [`Store::send_in_order`]. The default calls this layer's [`send`](Self::send) for each
    /// batch.
    ///
    /// # Errors
    /// The errors of [`Store::send_in_order`].
    async fn send_in_order(
        &self,
        batches: Vec<Vec<Upload>>,
        context: &Context,
    ) -> Result<(), Error> {
        for batch in batches {
            self.send(batch, context).await?;
        }
        Ok(())
    }

    /// See [`Store::swap`].
    ///
    /// # Errors
    /// The errors of [`Store::swap`].
    async fn swap(
        &self,
        path: &ReleasePath,
        expected: Option<&Version>,
        content: Bytes,
    ) -> Result<Swap, Error> {
        self.inner().swap(path, expected, content).await
    }

    /// See [`Store::swap_and_delete`]. The default calls this layer's [`swap`](Self::swap) and
    /// [`delete`](Self::delete).
    ///
    /// # Errors
    /// The errors of [`Store::swap_and_delete`].
    async fn swap_and_delete(
        &self,
        path: &ReleasePath,
        expected: Option<&Version>,
        content: Bytes,
        unneeded: &[ReleasePath],
    ) -> Result<Swap, Error> {
        let swap = self.swap(path, expected, content).await?;
        if swap == Swap::Done && !unneeded.is_empty() {
            self.delete(unneeded, &Context::new()).await?;
        }
        Ok(swap)
    }

    /// See [`Store::delete`].
    ///
    /// # Errors
    /// The errors of [`Store::delete`].
    async fn delete(&self, paths: &[ReleasePath], context: &Context) -> Result<(), Error> {
        self.inner().delete(paths, context).await
    }

    /// See [`Store::link`].
    ///
    /// # Errors
    /// The errors of [`Store::link`].
    async fn link(&self, links: &BTreeMap<ReleasePath, String>) -> Result<(), Error> {
        self.inner().link(links).await
    }

    /// See [`Store::lock`].
    ///
    /// # Errors
    /// The errors of [`Store::lock`].
    async fn lock(&self, context: &Context) -> Result<StoreLock, Error> {
        self.inner().lock(context).await
    }
}

/// Implements [`Store`] for a type. Each method calls the method of the trait `$via` on `$inner`,
/// an expression of `$this`.
macro_rules! forward_store {
    (impl[$($generics:tt)*] for $type:ty, $via:ident, |$this:ident| $inner:expr) => {
        #[async_trait]
        impl<$($generics)*> Store for $type {
            fn capabilities(&self) -> Capabilities {
                let $this = self;
                $via::capabilities($inner)
            }

            fn missing_features(&self) -> BTreeSet<MissingFeature> {
                let $this = self;
                $via::missing_features($inner)
            }

            async fn place(&self) -> Result<String, Error> {
                let $this = self;
                $via::place($inner).await
            }

            async fn stat(
                &self,
                paths: &[ReleasePath],
            ) -> Result<BTreeMap<ReleasePath, Entry>, Error> {
                let $this = self;
                $via::stat($inner, paths).await
            }

            async fn list(&self, scope: &ListScope) -> Result<Vec<Listed>, Error> {
                let $this = self;
                $via::list($inner, scope).await
            }

            async fn read(&self, path: &ReleasePath) -> Result<Option<Document>, Error> {
                let $this = self;
                $via::read($inner, path).await
            }

            async fn open(&self, path: &ReleasePath) -> Result<Option<ArtifactReader>, Error> {
                let $this = self;
                $via::open($inner, path).await
            }

            async fn open_range(
                &self,
                path: &ReleasePath,
                range: Range<u64>,
            ) -> Result<Option<ArtifactReader>, Error> {
                let $this = self;
                $via::open_range($inner, path, range).await
            }

            async fn look(&self, question: &Question) -> Result<Answer, Error> {
                let $this = self;
                $via::look($inner, question).await
            }

            async fn send(&self, uploads: Vec<Upload>, context: &Context) -> Result<(), Error> {
                let $this = self;
                $via::send($inner, uploads, context).await
            }

            async fn send_in_order(
                &self,
                batches: Vec<Vec<Upload>>,
                context: &Context,
            ) -> Result<(), Error> {
                let $this = self;
                $via::send_in_order($inner, batches, context).await
            }

            async fn swap(
                &self,
                path: &ReleasePath,
                expected: Option<&Version>,
                content: Bytes,
            ) -> Result<Swap, Error> {
                let $this = self;
                $via::swap($inner, path, expected, content).await
            }

            async fn swap_and_delete(
                &self,
                path: &ReleasePath,
                expected: Option<&Version>,
                content: Bytes,
                unneeded: &[ReleasePath],
            ) -> Result<Swap, Error> {
                let $this = self;
                $via::swap_and_delete($inner, path, expected, content, unneeded).await
            }

            async fn delete(
                &self,
                paths: &[ReleasePath],
                context: &Context,
            ) -> Result<(), Error> {
                let $this = self;
                $via::delete($inner, paths, context).await
            }

            async fn link(&self, links: &BTreeMap<ReleasePath, String>) -> Result<(), Error> {
                let $this = self;
                $via::link($inner, links).await
            }

            async fn lock(&self, context: &Context) -> Result<StoreLock, Error> {
                let $this = self;
                $via::lock($inner, context).await
            }
        }
    };
}

forward_store!(impl[T: StoreLayer] for T, StoreLayer, |layer| layer);
forward_store!(impl[S: Store + ?Sized] for Arc<S>, Store, |pointer| &**pointer);
forward_store!(impl[] for Box<dyn Store>, Store, |pointer| &**pointer);
