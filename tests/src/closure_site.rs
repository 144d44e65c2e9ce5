//! A site whose machines assemble their system from a closure that no Nix built.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use netboot_closure::Packer;
use netboot_core::{
    Architecture, Artifact, ArtifactKind, BootSpec, BytesArtifact, Context, FileArtifact, FileName,
    Image, InitPath, ProfileSpec, Release,
};
use netboot_ipxe::Renderer;
use netboot_publish::{LocalStore, Publisher};
use netboot_qemu::{
    DirectoryServer, Firmware, Machine, MachineBuilder, NetworkAccess, NetworkCard,
};
use netboot_testbed::{PATIENCE, Testbed};

use crate::closure_initrd::closure_initrd;
use crate::closure_report::ClosureReport;
use crate::packed_system::PackedSystem;
use crate::store_fixture::{StoreFixture, SystemClosure};

/// The store paths of a usual system: names and bytes.
const USUAL: [(&str, usize); 12] = [
    ("largest", 6_000_000),
    ("large", 3_000_000),
    ("medium", 1_500_000),
    ("small-1", 300_000),
    ("small-2", 300_001),
    ("small-3", 200_000),
    ("small-4", 100_000),
    ("page", 4096),
    ("more-than-a-page", 4097),
    ("hundred", 100),
    ("one", 1),
    ("empty", 0),
];

/// A store, and a directory that its closures are published to.
#[derive(Debug)]
pub struct ClosureSite {
    store: StoreFixture,
    kernel: Arc<dyn Artifact>,
    initrd: Arc<BytesArtifact>,
}

impl ClosureSite {
    /// The name of the profile.
    pub const PROFILE: &str = "closure";
    /// The script that machines boot.
    pub const SCRIPT: &str = "closure/netboot.ipxe";

    /// Creates a site with nothing published.
    pub async fn new() -> Self {
        Self::with_options("").await
    }

    /// Creates a site whose machines run `netboot-stage1` with these options in addition. The file
    /// `/plenty` on them is a `/proc/meminfo` with much memory.
    pub async fn with_options(options: &str) -> Self {
        let testbed = Testbed::locate();
        let kernel = FileName::new("bzImage").unwrap();
        let context = Context::new();
        let kernel = FileArtifact::open(ArtifactKind::Kernel, kernel, testbed.kernel(), &context);
        let kernel = Arc::new(kernel.await.unwrap());
        let name = FileName::new("initrd").unwrap();
        let initrd = closure_initrd(&Testbed::stage1_program(), options);
        let initrd = Arc::new(BytesArtifact::new(ArtifactKind::Initrd, name, initrd).unwrap());
        Self { store: StoreFixture::new(), kernel, initrd }
    }

    /// The store.
    pub fn store(&self) -> &StoreFixture {
        &self.store
    }

    /// The published directory.
    pub fn published(&self) -> PathBuf {
        self.store.work().join("published")
    }

    /// The kernel.
    pub fn kernel(&self) -> &Arc<dyn Artifact> {
        &self.kernel
    }

    /// The initrd.
    pub fn initrd(&self) -> &BytesArtifact {
        &self.initrd
    }

    /// The publisher of [`published`](Self::published).
    pub fn publisher(&self) -> Publisher {
        Publisher::new(LocalStore::new(self.published()))
    }

    /// A system with store paths of many sizes. A `generation` differs from another one in two
    /// store paths.
    pub fn usual_system(&self, generation: &str) -> SystemClosure {
        let paths = (1..).zip(USUAL);
        let mut data: Vec<_> =
            paths.map(|(seed, (name, bytes))| self.store.data(name, seed, bytes)).collect();
        let seed = generation.bytes().fold(7, |seed: u64, byte| seed * 31 + u64::from(byte));
        data.push(self.store.data("changing", seed, 50_000));
        self.store.system(generation, &data)
    }

    /// Packs a system.
    pub fn pack(&self, system: &SystemClosure) -> PackedSystem {
        let result = Packer::new(self.store.work().join("packed")).pack(
            &system.init,
            system.paths.clone(),
            &|_| ControlFlow::Continue(()),
        );
        let packed = result.unwrap();
        let closure = packed.to_closure().unwrap();
        PackedSystem { index: packed.index, closure }
    }

    /// Renders a release of a packed system, whose kernel has these parameters. Machines fetch the
    /// closure from these ports of the loopback interface, in this order.
    pub fn release(&self, packed: &PackedSystem, ports: &[u16], parameters: &[&str]) -> Release {
        let sources = ports.iter().map(|port| format!("http://10.0.2.2:{port}/"));
        self.release_from(packed, sources, parameters)
    }

    /// Renders a release whose closure machines fetch from these URLs.
    pub fn release_from(
        &self,
        packed: &PackedSystem,
        sources: impl IntoIterator<Item = String>,
        parameters: &[&str],
    ) -> Release {
        let usual = ["console=ttyS0,115200", "loglevel=4", "no_timer_check"];
        let parameters = usual.iter().chain(parameters).copied();
        let init = InitPath::new(packed.index.init()).unwrap();
        let boot = BootSpec::new(Architecture::X86_64, init, parameters).unwrap();
        let spec = ProfileSpec::new(Self::PROFILE).unwrap();
        let image = Image::builder(&spec, boot)
            .kernel(self.kernel.clone())
            .initrd(self.initrd.clone())
            .closure(packed.closure.clone())
            .build()
            .unwrap();
        let renderer = sources.into_iter().fold(Renderer::builder(), |renderer, source| {
            renderer.closure_source(&source.parse().unwrap()).unwrap()
        });
        renderer.build().unwrap().render_release(vec![image]).unwrap()
    }

    /// Publishes a release to [`published`](Self::published).
    pub async fn publish(&self, release: &Release) {
        self.publisher().publish(release, &Context::new()).await.unwrap();
    }

    /// Starts a server of [`published`](Self::published).
    pub async fn serve(&self) -> DirectoryServer {
        std::fs::create_dir_all(self.published()).unwrap();
        DirectoryServer::start(self.published()).await.unwrap()
    }

    /// Boots a machine from the server at this port of the loopback interface, until the system
    /// reports `generation` or the machine stops.
    pub async fn boot(port: u16, machine: MachineBuilder, generation: &str) -> ClosureReport {
        Self::boot_from(&format!("http://127.0.0.1:{port}/"), machine, generation).await
    }

    /// Boots a machine from the target at this URL.
    pub async fn boot_from(
        target: &str,
        machine: MachineBuilder,
        generation: &str,
    ) -> ClosureReport {
        let url = format!("{target}{}", Self::SCRIPT).parse().unwrap();
        let machine = machine.expect(format!("CLOSURE-READY {generation}"));
        let machine = machine.fail_on("CLOSURE-DAMAGED").build().unwrap();
        ClosureReport::new(machine.boot(&url, &Context::new()).await.unwrap())
    }

    /// A machine of the site.
    pub fn machine(firmware: Firmware) -> MachineBuilder {
        let machine = Machine::builder()
            .firmware(firmware)
            .network_access(NetworkAccess::Unrestricted)
            .memory_mib(768)
            .timeout(PATIENCE);
        match firmware {
            // The kernel has no driver for the card that UEFI boots from by default.
            Firmware::Uefi => machine.network_card(NetworkCard::Vmxnet3),
            _ => machine,
        }
    }
}
