//! The memory that a machine needs for an image, with real kernels. With the memory that
//! `netboot_core::inspect::least_memory_mib` returns it boots. With too little it does not boot,
//! and the report says so.

use std::fs;
use std::path::{Path, PathBuf};

use netboot_closure::console::FailureCause;
use netboot_core::inspect::{inspect_initrd, least_memory_mib};
use netboot_core::{Context, Image, layout};
use netboot_ipxe::Renderer;
use netboot_qemu::{BootReport, DirectoryServer, Firmware, Machine};
use netboot_testbed::{PATIENCE, cpio, is_long};
use netboot_tests::{ClosureSite, Site};

const MIB: usize = 1024 * 1024;

/// A directory with the worker and an incompressible file of this many MiB in its initrd.
struct LargeImage {
    site: Site,
    image: Image,
}

impl LargeImage {
    async fn build(padding: usize) -> Self {
        let site = Site::new();
        let image = site.build("first", &["worker"]).await.remove(0);
        let path = |name: &str| site.work().join("large").join(name);
        fs::create_dir(path("")).unwrap();
        fs::copy(image.kernel().local_path().unwrap(), path("bzImage")).unwrap();
        let mut initrd = cpio(&[("padding", &noise(padding))]);
        initrd.extend(fs::read(image.initrds()[0].local_path().unwrap()).unwrap());
        fs::write(path("initrd"), initrd).unwrap();
        Self { site, image }
    }

    fn directory(&self) -> PathBuf {
        self.site.work().join("large")
    }

    /// The packed and unpacked size in MiB, and the resulting least memory.
    async fn least_memory(&self) -> (u32, u32, u32) {
        let path = self.directory().join("initrd");
        let packed = fs::metadata(&path).unwrap().len();
        let summary = inspect_initrd(&path, &Context::new()).await.unwrap();
        let least = least_memory_mib([(packed, &summary)], None).unwrap();
        let mebibytes = |bytes: u64| u32::try_from(bytes / (MIB as u64)).unwrap();
        (mebibytes(packed), mebibytes(summary.unpacked_bytes), u32::try_from(least).unwrap())
    }

    /// Boots the image with an additional kernel parameter.
    async fn boot(&self, firmware: Firmware, memory: u32, parameter: &str) -> BootReport {
        let renderer = Renderer::builder().kernel_parameter(parameter);
        let script = renderer.build().unwrap().render_standalone(&self.image).unwrap();
        fs::write(self.directory().join("netboot.ipxe"), script).unwrap();
        boot(&self.directory(), firmware, memory).await
    }
}

async fn boot(directory: &Path, firmware: Firmware, memory: u32) -> BootReport {
    let server = DirectoryServer::start(directory).await.unwrap();
    let machine = Machine::builder()
        .firmware(firmware)
        .memory_mib(memory)
        .timeout(PATIENCE)
        .expect("NETBOOT-READY worker")
        .build()
        .unwrap();
    machine.boot(&server.url("netboot.ipxe"), &Context::new()).await.unwrap()
}

/// This many MiB of random bytes (Marsaglia's xorshift).
fn noise(mebibytes: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..mebibytes * MIB / 8).flat_map(|_| next()).collect()
}

/// With the least memory an image boots. With a tenth less it does not boot, and the report says
/// so. UEFI needs the most memory, because the initrd is in memory twice, so the rule is accurate
/// there.
///
/// With `NETBOOT_LONG_TESTS`, the test repeats this with a larger image and a BIOS.
#[tokio::test]
async fn with_the_least_memory_an_image_boots_and_with_less_it_does_not_and_says_so() {
    check_uefi(64).await;
    if is_long() {
        check_uefi(192).await;
        check_bios().await;
    }
}

async fn check_uefi(padding: usize) {
    let large = LargeImage::build(padding).await;
    let (_, _, least) = large.least_memory().await;
    large.boot(Firmware::Uefi, least, "quiet").await.ensure_success().unwrap();
    assert_too_little(&large.boot(Firmware::Uefi, least * 9 / 10, "netboot.test=1").await);
}

async fn check_bios() {
    let large = LargeImage::build(96).await;
    let (packed, unpacked, least) = large.least_memory().await;
    large.boot(Firmware::Bios, least, "quiet").await.ensure_success().unwrap();
    // The memory is enough, but not the half of it that a tmpfs may use. A ramfs has no such limit.
    let too_little = packed + unpacked + 88;
    assert_too_little(&large.boot(Firmware::Bios, too_little, "netboot.test=1").await);
    let report = large.boot(Firmware::Bios, too_little, "rootfstype=ramfs").await;
    report.ensure_success().unwrap();
}

fn assert_too_little(report: &BootReport) {
    let error = report.ensure_success().unwrap_err();
    let hint = error.hint().unwrap();
    assert!(hint.contains("too little memory") && hint.contains("rootfstype=ramfs"), "{hint}");
    assert!(error.to_string().contains("Initramfs unpacking failed: write error"), "{error}");
}

/// A machine with the least memory assembles its closure. With a tenth less it refuses before
/// it fetches anything, and says what is missing.
///
/// With `NETBOOT_LONG_TESTS`, the test repeats this with a larger closure.
#[tokio::test]
async fn with_the_least_memory_a_closure_is_assembled_and_with_a_tenth_less_it_is_not() {
    check_closure(20).await;
    if netboot_tests::is_long() {
        check_closure(400).await;
    }
}

async fn check_closure(data: usize) {
    let site = ClosureSite::new().await;
    let paths: Vec<_> =
        (1..=4).map(|seed| site.store().data("data", seed, data * MIB / 4)).collect();
    let packed = site.pack(&site.store().system("least", &paths));
    let server = site.serve().await;
    let port = server.address().port();
    let release = site.release(&packed, &[port], &["netboot.store=tmpfs"]);
    site.publish(&release).await;

    let initrd = &release.manifest().images()[ClosureSite::PROFILE].initrds[0];
    let place = site.published().join(layout::blob(&initrd.sha256).as_str());
    let summary = inspect_initrd(&place, &Context::new()).await.unwrap();
    let least = least_memory_mib([(initrd.size, &summary)], Some(&packed.closure.manifest()));
    let least = u32::try_from(least.unwrap()).unwrap();

    let boot = async |memory: u32| {
        let machine = ClosureSite::machine(Firmware::Uefi).memory_mib(memory);
        ClosureSite::boot(port, machine, "least").await
    };
    boot(least).await.assembled(&packed, "least");
    let failure = boot(least * 9 / 10).await.failure();
    assert!(matches!(failure.cause, FailureCause::MemoryTooSmall { .. }), "{failure:?}");
}
