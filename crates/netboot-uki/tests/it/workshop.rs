//! A directory with everything that a UKI is made of: systemd's stubs, a kernel and keys.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime};

use netboot_core::{
    Artifact, ArtifactKind, BytesArtifact, Context, FileArtifact, InitPath, KernelCommandLine,
    KernelParameter,
};
use netboot_testbed::{DebianTree, Testbed};
use netboot_uki::{Certificate, Error, KeyFile, SecureBootVariable, Stub, TestKeys, Uki, sign};
use tempfile::TempDir;

/// Keys that all tests share, because making them takes a second.
pub(crate) static KEYS: LazyLock<TestKeys> =
    LazyLock::new(|| TestKeys::generate("netboot tests", time()).unwrap());

/// The time of the tests' keys: 2026-01-01.
pub(crate) fn time() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600)
}

/// The path of one of systemd's stubs.
pub(crate) fn stub(name: &str) -> PathBuf {
    DebianTree::systemd_efi(name)
}

pub(crate) fn artifact(kind: ArtifactKind, name: &str, bytes: &[u8]) -> Arc<dyn Artifact> {
    Arc::new(BytesArtifact::new(kind, name, bytes.to_vec()).unwrap())
}

/// The certificate of the key for programs.
pub(crate) fn db() -> Certificate {
    KEYS.certificate(SecureBootVariable::Signatures).clone()
}

pub(crate) fn db_signer() -> KeyFile {
    KEYS.signer(SecureBootVariable::Signatures).unwrap()
}

pub(crate) fn command_line() -> KernelCommandLine {
    let init: InitPath = "/nix/store/0a-nixos/init".parse().unwrap();
    let parameters = ["console=ttyS0", "quiet"].map(|it| it.parse::<KernelParameter>().unwrap());
    KernelCommandLine::new(&init, &parameters).unwrap()
}

pub(crate) const OS_RELEASE: &str = "ID=nixos\nVERSION_ID=\"25.11\"\n";
pub(crate) const UNAME: &str = "6.1.0-cloud";
/// Not a multiple of 4 bytes long, so that the next one needs padding.
pub(crate) const INITRDS: [&[u8]; 2] = [b"first", b"the second"];

pub(crate) struct Workshop(TempDir);

impl Workshop {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        fs::write(self.path(name), bytes).unwrap();
        self.path(name)
    }

    /// A UKI of the test bed's kernel, at `uki.efi`.
    pub(crate) async fn uki(&self) -> PathBuf {
        let uki = uki(Testbed::locate().kernel(), &stub("linuxx64.efi.stub")).await.unwrap();
        uki.write(self.path("uki.efi"), &Context::new()).await.unwrap();
        self.path("uki.efi")
    }

    /// A UKI without a real kernel, which is small, at `small.efi`: its kernel is a stub.
    pub(crate) async fn small(&self) -> PathBuf {
        if self.path("small.efi").exists() {
            return self.path("small.efi");
        }
        let stub = stub("linuxx64.efi.stub");
        let uki = uki(&stub, &stub).await.unwrap();
        uki.write(self.path("small.efi"), &Context::new()).await.unwrap();
        self.path("small.efi")
    }

    /// The small UKI, signed, at `signed.efi`.
    pub(crate) async fn signed(&self) -> PathBuf {
        let small = self.small().await;
        let path = self.path("signed.efi");
        sign(&small, &path, &db_signer(), &Context::new()).await.unwrap();
        path
    }

    /// Writes the test keys into `keys`, and the certificate for programs in PEM.
    pub(crate) async fn keys(&self) -> PathBuf {
        let directory = self.path("keys");
        fs::create_dir(&directory).unwrap();
        KEYS.write(&directory, &Context::new()).await.unwrap();
        directory
    }
}

/// A UKI of these files and of the texts above.
pub(crate) async fn uki(kernel: &Path, stub: &Path) -> Result<Uki, Error> {
    let context = Context::new();
    let kernel = FileArtifact::open(ArtifactKind::Kernel, "bzImage", kernel, &context).await?;
    let [first, second] = INITRDS.map(|bytes| artifact(ArtifactKind::Initrd, "initrd", bytes));
    Uki::builder(Stub::read(stub)?, Arc::new(kernel), &command_line())
        .initrd(first)
        .initrd(second)
        .os_release(OS_RELEASE)
        .uname(UNAME)
        .build()
        .await
}
