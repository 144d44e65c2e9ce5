//! Hints about directories of this machine.
#![cfg(feature = "local")]

use std::fs;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{self, Poll};

use async_trait::async_trait;
use netboot_core::{
    Artifact, ArtifactKind, ArtifactReader, Context, FileName, Sha256Digest, layout,
};
use netboot_publish::contract::sample_release;
use netboot_publish::{DOCUMENT_LIMIT, Error, LocalStore, Publisher};
use netboot_testbed::TestProcess;
use tempfile::TempDir;
use tokio::io::{AsyncRead, ReadBuf};

use super::{assert_clean, hint};
use crate::site;

async fn publish(root: &Path) -> Result<(), Error> {
    let publisher = Publisher::new(LocalStore::new(root));
    publisher.publish(&sample_release("one"), &Context::new()).await.map(drop)
}

#[tokio::test]
async fn what_is_in_the_way_is_moved() {
    let work = TempDir::new().unwrap();
    let root = work.path().join("published");
    fs::write(&root, "a file").unwrap();
    let error = publish(&root).await.unwrap_err();
    let text = format!("correct the path, or move `{}` away", root.display());
    hint(&error, &text);
    // The file is named, and not what would lie below it.
    let error = publish(&root.join("below/nixos")).await.unwrap_err();
    assert_eq!(error.to_string(), format!("`{}` is not a directory", root.display()));
    hint(&error, &text);
    publish(&work.path().join("another")).await.unwrap();
    fs::rename(&root, work.path().join("moved")).unwrap();
    publish(&root).await.unwrap();

    // Something that is no file, in the place of a file.
    let entry = root.join("boot.ipxe");
    fs::remove_file(&entry).unwrap();
    site::run("mkfifo", &[entry.to_str().unwrap()]);
    let publisher = Publisher::new(LocalStore::new(&root));
    let two = sample_release("two");
    let error = publisher.publish(&two, &Context::new()).await.unwrap_err();
    let said = hint(&error, "move `");
    let named = PathBuf::from(said.split('`').nth(1).unwrap());
    assert!(named.ends_with("boot.ipxe"), "{said}");
    fs::rename(&entry, work.path().join("pipe")).unwrap();
    publisher.publish(&two, &Context::new()).await.unwrap();

    // A file that is far too large for its place.
    let pointer = root.join("current.ipxe");
    let sound = fs::read(&pointer).unwrap();
    fs::File::create(&pointer).unwrap().set_len(DOCUMENT_LIMIT + 1).unwrap();
    let error = publisher.live().await.unwrap_err();
    hint(&error, "move `current.ipxe` away: netboot does not write files of that size");
    fs::rename(&pointer, work.path().join("large")).unwrap();
    fs::write(&pointer, sound).unwrap();
    assert_clean(&publisher).await;
}

#[tokio::test]
async fn an_error_of_the_file_system_is_in_its_message() {
    let work = TempDir::new().unwrap();
    let root = work.path().join("x".repeat(300));
    let error = publish(&root).await.unwrap_err();
    hint(&error, "read the operating system's message, which says why");
    let message = std::error::Error::source(&error).unwrap().to_string();
    assert!(message.contains("File name too long"), "{message}");
    publish(&work.path().join("x".repeat(30))).await.unwrap();
}

#[test]
fn file_systems_are_mounted_in_one_piece_and_writable() {
    let name = "followed_hints::directories::file_systems_are_mounted_in_one_piece_and_writable";
    if !TestProcess::with_mounts(name).is_this() {
        return;
    }
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let work = TempDir::new().unwrap();
        let root = work.path().join("published");
        let blobs = root.join("blobs");
        fs::create_dir_all(&blobs).unwrap();
        let mount = |place: &Path| {
            site::run("mount", &["-t", "tmpfs", "tmpfs", place.to_str().unwrap()]);
        };
        mount(&blobs);
        let error = publish(&root).await.unwrap_err();
        hint(
            &error,
            "let `blobs`, `releases` and the profiles' directories lie in one file system",
        );
        site::unmount(blobs.to_str().unwrap());
        publish(&root).await.unwrap();

        let other = work.path().join("other");
        fs::create_dir(&other).unwrap();
        mount(&other);
        let remount = |options: &str| {
            let options = format!("remount,{options}");
            let place = other.to_str().unwrap();
            site::run("mount", &["--options-mode", "ignore", "-o", &options, place]);
        };
        remount("ro");
        let error = publish(&other).await.unwrap_err();
        hint(&error, "mount it writable, or publish to another place; nothing was changed");
        publish(&work.path().join("third")).await.unwrap();
        remount("rw");
        publish(&other).await.unwrap();
        site::unmount(other.to_str().unwrap());
    });
}

const SIZE: usize = 3 * 1024 * 1024;

/// An artifact of zeros. While it is read, somebody deletes the unfinished files of the store.
#[derive(Debug)]
struct Disturbed {
    name: FileName,
    temporary: PathBuf,
    once: Arc<AtomicBool>,
}

struct Zeros {
    left: usize,
    temporary: PathBuf,
    once: Arc<AtomicBool>,
}

impl AsyncRead for Zeros {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut task::Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let length = buffer.remaining().min(self.left);
        buffer.initialize_unfilled_to(length).fill(0);
        buffer.advance(length);
        self.left -= length;
        if self.left < SIZE / 2 && !self.once.swap(true, Ordering::SeqCst) {
            for entry in fs::read_dir(&self.temporary)? {
                fs::remove_file(entry?.path())?;
            }
        }
        Poll::Ready(Ok(()))
    }
}

#[async_trait]
impl Artifact for Disturbed {
    fn kind(&self) -> ArtifactKind {
        ArtifactKind::Initrd
    }
    fn file_name(&self) -> &FileName {
        &self.name
    }
    fn size(&self) -> u64 {
        SIZE as u64
    }
    fn sha256(&self) -> Sha256Digest {
        Sha256Digest::of(&vec![0; SIZE])
    }
    async fn open(&self) -> Result<ArtifactReader, netboot_core::Error> {
        let (temporary, once) = (self.temporary.clone(), self.once.clone());
        Ok(Box::pin(Zeros { left: SIZE, temporary, once }))
    }
}

#[tokio::test]
async fn what_vanished_is_published_again() {
    let work = TempDir::new().unwrap();
    let root = work.path().join("published");
    let initrd = Disturbed {
        name: FileName::new("initrd").unwrap(),
        temporary: root.join(".netboot/temporary"),
        once: Arc::default(),
    };
    let kernel = site::bytes(ArtifactKind::Kernel, "bzImage", "a kernel");
    let release = site::release_of("one", kernel, Arc::new(initrd));
    let publisher = Publisher::new(LocalStore::new(&root));
    let error = publisher.publish(&release, &Context::new()).await.unwrap_err();
    hint(&error, "vanished; publish again");
    publisher.publish(&release, &Context::new()).await.unwrap();
    assert_clean(&publisher).await;
    let blob = layout::blob(&Sha256Digest::of(&vec![0; SIZE]));
    assert_eq!(fs::read(root.join(blob.as_str())).unwrap().len(), SIZE);
}
