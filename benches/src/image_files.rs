//! An image in files of a directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use netboot_core::{
    Architecture, Artifact, ArtifactKind, BootSpec, BytesArtifact, Closure, Context, FileArtifact,
    FileName, Image, InitPath, ProfileSpec, Release,
};
use netboot_ipxe::Renderer;

use crate::{is_test, write_noise, write_noise_bytes};

/// The names of the files that the blobs of a closure are in start with this.
const BLOB: &str = "blob-";

/// The sizes of an image's files.
#[derive(Debug, Clone, Copy)]
pub struct ImageSizes {
    /// The size of the kernel in MB. The kernel is the file that changes.
    pub kernel_megabytes: u64,
    /// The size of the initrd in MB.
    pub initrd_megabytes: u64,
    /// The number of blobs of the closure. Without one, the image has no closure.
    pub blobs: u64,
    /// The size of each blob in kB.
    pub blob_kilobytes: u64,
}

impl ImageSizes {
    /// 300 MB in two files, or 5 MB in a test.
    pub fn two_files() -> Self {
        let (kernel_megabytes, initrd_megabytes) = if is_test() { (1, 4) } else { (10, 290) };
        Self { kernel_megabytes, initrd_megabytes, blobs: 0, blob_kilobytes: 0 }
    }

    /// 300 MB in 16 files, or 5 MB in a test.
    pub fn sixteen_files() -> Self {
        let (initrd_megabytes, blob_kilobytes) = if is_test() { (2, 100) } else { (150, 10_000) };
        Self { initrd_megabytes, blobs: 14, blob_kilobytes, ..Self::two_files() }
    }

    /// 300 MB in 3,000 files, or 1 MB in 12 files in a test.
    pub fn many_files() -> Self {
        let blobs = if is_test() { 10 } else { 3000 };
        Self { kernel_megabytes: 1, initrd_megabytes: 1, blobs, blob_kilobytes: 100 }
    }

    /// The whole size in MB.
    pub fn megabytes(&self) -> u64 {
        self.kernel_megabytes + self.initrd_megabytes + self.blobs * self.blob_kilobytes / 1000
    }
}

/// A directory with a kernel that can be changed, and files that stay.
#[derive(Debug)]
pub struct ImageFiles {
    directory: PathBuf,
    sizes: ImageSizes,
    changes: u64,
}

impl ImageFiles {
    /// Creates `directory` with files of these sizes.
    ///
    /// # Panics
    /// If they cannot be written.
    pub fn new(directory: &Path, sizes: ImageSizes) -> Self {
        fs::create_dir(directory).unwrap();
        let mut files = Self { directory: directory.to_owned(), sizes, changes: 0 };
        write_noise(&directory.join("initrd"), sizes.initrd_megabytes, 0);
        for n in 0..sizes.blobs {
            let path = directory.join(format!("{BLOB}{n:05}"));
            write_noise_bytes(&path, sizes.blob_kilobytes * 1000, 1_000_000 + n);
        }
        files.change();
        files
    }

    /// Writes another kernel.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn change(&mut self) {
        self.changes += 1;
        write_noise(&self.directory.join("bzImage"), self.sizes.kernel_megabytes, self.changes);
    }

    /// The directory, which contains only the image.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The whole size in MB.
    pub fn megabytes(&self) -> u64 {
        self.sizes.megabytes()
    }

    /// The path of each file, sorted.
    ///
    /// # Panics
    /// If the directory cannot be read.
    pub fn paths(&self) -> Vec<PathBuf> {
        paths(&self.directory)
    }
}

fn paths(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort_unstable();
    paths
}

/// Hashes the files of a directory that [`ImageFiles`] made, and renders a release of them. If
/// `are_immutable`, promises that nobody changes the files.
///
/// # Panics
/// If that fails.
pub async fn release_of(directory: &Path, are_immutable: bool) -> Release {
    let open = async |kind, path: PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap();
        let name = FileName::new(name).unwrap();
        let file = FileArtifact::open(kind, name, path, &Context::new()).await.unwrap();
        Arc::new(file.with_immutable(are_immutable))
    };
    let kernel = open(ArtifactKind::Kernel, directory.join("bzImage")).await;
    let initrd = open(ArtifactKind::Initrd, directory.join("initrd")).await;
    let mut blobs: Vec<Arc<dyn Artifact>> = Vec::new();
    for path in paths(directory) {
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(BLOB)) {
            blobs.push(open(ArtifactKind::StorePath, path).await);
        }
    }
    rendered(kernel, initrd, blobs)
}

/// A release of one image with this many blobs of its own in memory, each of about 100 bytes.
///
/// # Panics
/// If that fails.
pub fn release_in_memory(number: usize, blobs: usize) -> Release {
    let of = |kind, name: &str| {
        let text = format!("{name} of release {number} {:80}", "");
        Arc::new(BytesArtifact::new(kind, FileName::new(name).unwrap(), text).unwrap())
    };
    let blob = |blob| of(ArtifactKind::StorePath, &format!("{BLOB}{blob:05}"));
    let blobs = (0..blobs).map(|n| blob(n) as Arc<dyn Artifact>).collect();
    rendered(of(ArtifactKind::Kernel, "bzImage"), of(ArtifactKind::Initrd, "initrd"), blobs)
}

fn rendered(
    kernel: Arc<dyn Artifact>,
    initrd: Arc<dyn Artifact>,
    blobs: Vec<Arc<dyn Artifact>>,
) -> Release {
    let init = InitPath::new("/nix/store/0a1b2c3d-nixos-system-worker/init").unwrap();
    let boot = BootSpec::new(Architecture::X86_64, init, Vec::<&str>::new()).unwrap();
    let profile = ProfileSpec::new("worker").unwrap();
    let mut image = Image::builder(&profile, boot).kernel(kernel).initrd(initrd);
    if !blobs.is_empty() {
        // A publisher does not read an index. This one changes with the blobs, as a real one does.
        let digests: Vec<_> = blobs.iter().map(|blob| blob.sha256().to_string()).collect();
        let name = FileName::new("index").unwrap();
        let text = digests.join("\n");
        let index = Arc::new(BytesArtifact::new(ArtifactKind::ClosureIndex, name, text).unwrap());
        let inodes = blobs.len() as u64;
        image = image.closure(Closure { index, blobs, unpacked_bytes: 4096 * inodes, inodes });
    }
    let image = image.build().unwrap();
    let source = "http://192.0.2.1/".parse().unwrap();
    let renderer = Renderer::builder().closure_source(&source).unwrap().build().unwrap();
    renderer.render_release([image]).unwrap()
}
