//! The files with which a running Linux starts an image.

mod script;
mod tree;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use netboot_core::{Context, Image};
use netboot_ipxe::kexec::{KexecForm, KexecTree};
use netboot_ipxe::{Error, kexec};
use tokio::io::AsyncReadExt;

use crate::closures::url;

pub(crate) async fn tree(image: &Image, sources: &[&str]) -> Result<KexecTree, Error> {
    let sources: Vec<_> = sources.iter().map(|source| url(source)).collect();
    KexecTree::new(image, &sources, &Context::new()).await
}

/// The bytes of a file.
async fn bytes(file: &kexec::KexecFile) -> Vec<u8> {
    let mut bytes = Vec::new();
    file.content.open().await.unwrap().read_to_end(&mut bytes).await.unwrap();
    bytes
}

/// Writes the files of a tree into a directory.
async fn write(tree: &KexecTree, form: KexecForm, directory: &Path) {
    for file in tree.files(form).unwrap() {
        let path = directory.join(file.name);
        fs::write(&path, bytes(&file).await).unwrap();
        let mode = if file.is_program { 0o755 } else { 0o644 };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }
}
