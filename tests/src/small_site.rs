//! A published release for tests of what happens in iPXE; its images do not boot.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use netboot_core::{
    Architecture, Artifact, ArtifactKind, BootSpec, BytesArtifact, Context, Image, InitPath,
    ProfileSpec, Release,
};
use netboot_ipxe::{Renderer, RendererBuilder};
use netboot_publish::{LocalStore, Publisher};
use netboot_qemu::{BootReport, DirectoryServer, Machine, MachineBuilder};
use netboot_testbed::PATIENCE;
use tempfile::TempDir;

/// A directory with a release of images that do not boot, and its server.
#[derive(Debug)]
pub struct SmallSite {
    directory: TempDir,
    server: DirectoryServer,
    release: Release,
}

impl SmallSite {
    /// Publishes images of these profiles.
    pub async fn publish(renderer: RendererBuilder, profiles: &[&str]) -> Self {
        let renderer = renderer.build().unwrap();
        let directory = TempDir::new().unwrap();
        let release = renderer.render_release(profiles.iter().map(|name| image(name))).unwrap();
        let target = directory.path().join("published");
        let publisher = Publisher::new(LocalStore::new(&target));
        publisher.publish(&release, &Context::new()).await.unwrap();
        let server = DirectoryServer::start(target).await.unwrap();
        Self { directory, server, release }
    }

    /// A renderer whose scripts give up soon.
    pub fn renderer() -> RendererBuilder {
        let second = Duration::from_secs(1);
        Renderer::builder().menu_timeout(3 * second).retry_after(3 * second).attempts(1, second)
    }

    /// The published directory.
    pub fn published(&self) -> PathBuf {
        self.directory.path().join("published")
    }

    /// The published release.
    pub fn release(&self) -> &Release {
        &self.release
    }

    /// The server.
    pub fn server(&self) -> &DirectoryServer {
        &self.server
    }

    /// The number of times that machines fetched `path`.
    pub fn fetches(&self, path: &str) -> usize {
        let path = format!("/{path}");
        let is_fetch =
            |request: &&netboot_qemu::Request| request.path == path && request.status == 200;
        self.server.requests().iter().filter(is_fetch).count()
    }

    /// Boots `script` and asserts that all of `expected` appear on the console.
    pub async fn boot(
        &self,
        script: &str,
        machine: MachineBuilder,
        expected: &[&str],
    ) -> BootReport {
        let machine = machine.memory_mib(256).timeout(PATIENCE);
        let machine = expected.iter().fold(machine, |machine, text| machine.expect(*text));
        let url = self.server.url(script);
        let report = machine.build().unwrap().boot(&url, &Context::new()).await.unwrap();
        assert!(report.missing.is_empty(), "no {:?} in:\n{}", report.missing, report.console);
        report
    }

    /// A machine with this MAC address.
    pub fn machine(mac: &str) -> MachineBuilder {
        Machine::builder().mac(mac)
    }
}

/// An image that does not boot.
pub fn image(profile: &str) -> Image {
    let artifact = |kind, name: &str, text: String| -> Arc<dyn Artifact> {
        Arc::new(BytesArtifact::new(kind, name, text).unwrap())
    };
    let spec = ProfileSpec::new(profile).unwrap();
    let init = InitPath::new(format!("/nix/store/0a1b-nixos-system-{profile}/init")).unwrap();
    let boot = BootSpec::new(Architecture::X86_64, init, Vec::<&str>::new()).unwrap();
    // iPXE for BIOS executes any small file as a boot loader.
    let no_kernel = format!("no kernel of {profile}").repeat(100_000);
    let kernel = artifact(ArtifactKind::Kernel, "bzImage", no_kernel);
    let initrd = artifact(ArtifactKind::Initrd, "initrd", format!("no initrd of {profile}"));
    Image::builder(&spec, boot).kernel(kernel).initrd(initrd).build().unwrap()
}
