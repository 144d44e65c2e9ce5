//! The files of this machine while they are sent: a file that may change is copied first, and a
//! file that never changes is not.

use std::fs;
use std::path::{Path, PathBuf};

use netboot_core::{ArtifactKind, Context, ErrorClass, FileArtifact};
use netboot_publish::{Error, RsyncStore, Store, Upload};
use tempfile::TempDir;

use crate::rsync::{DaemonSite, path};

/// A file, and an rsync that changes it before it sends anything. It notes the links in the tree
/// that it is to send.
struct Sender {
    work: TempDir,
    program: PathBuf,
}

impl Sender {
    fn new() -> Self {
        let work = TempDir::new().unwrap();
        let (program, rsync) = (work.path().join("rsync"), netboot_testbed::tool("rsync"));
        fs::write(work.path().join("file"), "the file").unwrap();
        let script = format!(
            "#!/bin/sh\ncase \"$*\" in *tree/*)\n  printf other-by > '{file}'\n  \
             find tree -type l >> '{links}';;\nesac\nexec '{rsync}' \"$@\"\n",
            file = work.path().join("file").display(),
            links = work.path().join("links").display(),
            rsync = rsync.display(),
        );
        netboot_testbed::write_program(&program, &script);
        Self { work, program }
    }

    async fn open(&self) -> FileArtifact {
        let (kind, file) = (ArtifactKind::Initrd, self.work.path().join("file"));
        FileArtifact::open(kind, "initrd", file, &Context::new()).await.unwrap()
    }

    async fn send(&self, site: &DaemonSite, artifact: FileArtifact) -> Result<(), Error> {
        let store: RsyncStore = site.builder("").rsync_program(&self.program).build().unwrap();
        let upload = Upload::new(path("blobs/a"), artifact);
        store.send(vec![upload], &Context::new()).await
    }

    fn links(&self) -> String {
        fs::read_to_string(self.work.path().join("links")).unwrap()
    }
}

fn sent(site: &DaemonSite) -> String {
    let place: &Path = "blobs/a".as_ref();
    fs::read_to_string(site.published().join(place)).unwrap()
}

#[tokio::test]
async fn a_file_that_changes_while_it_is_sent_arrives_as_it_was() {
    let (site, sender) = (DaemonSite::new(), Sender::new());
    let file = sender.open().await;
    sender.send(&site, file).await.unwrap();
    assert_eq!(sent(&site), "the file");
    assert_eq!(sender.links(), "");
}

#[tokio::test]
async fn a_file_that_never_changes_is_sent_without_a_copy() {
    let (site, sender) = (DaemonSite::new(), Sender::new());
    let file = sender.open().await.with_immutable(true);
    // This caller broke its promise: rsync read the file itself.
    let error = sender.send(&site, file).await.unwrap_err();
    assert_eq!(sender.links(), "tree/blobs/a\n");
    assert_eq!(error.class(), ErrorClass::Conflict, "{error}");
    assert!(!site.published().join("blobs/a").exists(), "its bytes are not those of the artifact");
}
