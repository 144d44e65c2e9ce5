//! A site for the end-to-end tests: builds the test flake with a hermetic Nix, publishes and boots
//! it.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a test's set-up that fails is the test's failure"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use netboot_core::{Builder, Context, Image, Payload, Profile, Release, plasmacloud};
use netboot_ipxe::Renderer;
use netboot_nix::{ClosureBoot, NixBuilder, NixBuilderOptions};
use netboot_publish::{LocalStore, Publisher};
use netboot_qemu::{BootReport, BootStage, DirectoryServer, Firmware, Machine};
use netboot_testbed::{HermeticNix, PATIENCE, TestFlake, Testbed};
use tempfile::TempDir;

mod boot_network;

mod closure_initrd;
mod closure_report;
mod closure_site;
mod dhcp_client;
mod initrd_files;
mod kexec_initrd;
mod namespace;
mod packed_system;
mod small_site;
mod store_fixture;

pub use netboot_testbed::is_long;

pub use crate::boot_network::{BootNetwork, Plug};
pub use crate::closure_report::ClosureReport;
pub use crate::closure_site::ClosureSite;
pub use crate::dhcp_client::{DhcpClient, Offer};
pub use crate::kexec_initrd::kexec_initrd;
pub use crate::namespace::{Namespace, Server};
pub use crate::packed_system::PackedSystem;
pub use crate::small_site::{SmallSite, image};
pub use crate::store_fixture::{StoreFixture, SystemClosure};

/// Compiles the examples in README.md and in the book.
#[cfg(doctest)]
mod book {
    #[doc = include_str!("../../README.md")]
    mod readme {}
    #[doc = include_str!("../../docs/closure-boot.md")]
    mod closure_boot {}
    #[doc = include_str!("../../docs/embedding.md")]
    mod embedding {}
    #[doc = include_str!("../../docs/secure-boot.md")]
    mod secure_boot {}
}

/// A temporary Nix, test flake and published directory.
#[derive(Debug)]
pub struct Site {
    nix: HermeticNix,
    work: TempDir,
}

impl Site {
    /// Creates a site with nothing built or published.
    pub fn new() -> Self {
        Self { nix: HermeticNix::new(), work: TempDir::new().unwrap() }
    }

    /// The published directory.
    pub fn published(&self) -> PathBuf {
        self.work.path().join("published")
    }

    /// A directory for the test's own files.
    pub fn work(&self) -> &Path {
        self.work.path()
    }

    /// The hermetic Nix.
    pub fn nix(&self) -> &HermeticNix {
        &self.nix
    }

    /// Writes the test flake with this generation, and returns its reference. Its machines report
    /// the generation when they boot.
    pub fn flake(&self, generation: &str) -> String {
        Testbed::locate().write_flake(&self.work.path().join("flake"), generation)
    }

    /// Writes the test flake with a configuration for 64-bit ARM too, `netboot-worker-aarch64`.
    pub fn flake_with_aarch64(&self, generation: &str) -> String {
        let flake = TestFlake::new(&Testbed::locate(), generation).with_aarch64();
        flake.write(&self.work.path().join("flake")).unwrap()
    }

    /// A builder of the flake.
    pub fn builder(&self, flake: &str) -> NixBuilder {
        self.configured(flake).build().unwrap()
    }

    fn configured(&self, flake: &str) -> NixBuilderOptions {
        let builder = NixBuilder::options(flake).state_directory(self.work.path().join("state"));
        let environment = self.nix.environment().into_iter();
        environment.fold(builder, |builder, (name, value)| builder.environment(name, value))
    }

    /// A builder of the flake, whose images have closures.
    pub fn closure_builder(&self, flake: &str) -> NixBuilder {
        let program = ClosureBoot::with_program(Testbed::stage1_program()).unwrap();
        self.configured(flake).closure_boot(program).payload(Payload::Closure).build().unwrap()
    }

    /// Builds profiles of the test flake.
    pub async fn build(&self, generation: &str, names: &[&str]) -> Vec<Image> {
        let profiles: Vec<Arc<dyn Profile>> = plasmacloud::profiles()
            .unwrap()
            .into_iter()
            .filter(|profile| names.contains(&profile.name().as_str()))
            .map(Into::into)
            .collect();
        let builder = self.builder(&self.flake(generation));
        let results = builder.build_all(&profiles, &Context::new()).await;
        results.into_iter().map(Result::unwrap).collect()
    }

    /// Builds profiles of the test flake and renders a release of them.
    pub async fn release(&self, generation: &str, names: &[&str]) -> Release {
        let images = self.build(generation, names).await;
        let renderer = Renderer::builder().menu_timeout(Duration::from_secs(2)).build().unwrap();
        renderer.render_release(images).unwrap()
    }

    /// The publisher of [`published`](Self::published).
    pub fn publisher(&self) -> Publisher {
        Publisher::new(LocalStore::new(self.published()))
    }
}

impl Default for Site {
    fn default() -> Self {
        Self::new()
    }
}

/// Asserts that a machine went through every stage of a boot by iPXE up to its markers.
pub fn assert_every_stage(report: &BootReport) {
    let stages: Vec<BootStage> = report.stages.keys().copied().collect();
    let all = [
        BootStage::Started,
        BootStage::Dhcp,
        BootStage::Script,
        BootStage::Kernel,
        BootStage::Initrd,
        BootStage::KernelStarted,
        BootStage::InitReached,
        BootStage::MarkersSeen,
    ];
    assert_eq!(stages, all, "{report}\n{}", report.console);
}

/// Boots `script` from `server` until all of `expected` appeared on the console.
pub async fn boot(
    server: &DirectoryServer,
    script: &str,
    firmware: Firmware,
    expected: &[&str],
) -> BootReport {
    let machine = Machine::builder().firmware(firmware).timeout(PATIENCE);
    let machine = expected.iter().fold(machine, |machine, text| machine.expect(*text));
    let report = machine.build().unwrap().boot(&server.url(script), &Context::new()).await.unwrap();
    print(&format!("{script} by {firmware:?}: {report}"));
    report
}

/// Prints a boot's report.
#[expect(clippy::print_stdout, reason = "the reports are what the boot tests are read for")]
fn print(text: &str) {
    println!("{text}");
}
