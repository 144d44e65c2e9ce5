//! A running Linux starts an image of a published release with `kexec`.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use netboot_core::{
    Architecture, ArtifactKind, BootSpec, BytesArtifact, Context, Image, InitPath, ProfileSpec,
    layout,
};
use netboot_ipxe::Renderer;
use netboot_ipxe::kexec::{KexecForm, KexecTree};
use netboot_qemu::Firmware;
use netboot_tests::{ClosureReport, ClosureSite, kexec_initrd};
use tokio::io::AsyncReadExt;

const FILES: [&str; 5] = ["bzImage", "initrd", "cmdline", "kexec-boot", "SHA256SUMS"];

/// The image of the system that becomes another one.
fn first(site: &ClosureSite, url: &str) -> Image {
    let init = InitPath::new("/init").unwrap();
    let parameters = ["console=ttyS0,115200", "loglevel=4", "no_timer_check"];
    let boot = BootSpec::new(Architecture::X86_64, init, parameters).unwrap();
    let initrd = kexec_initrd(url, &FILES);
    let initrd = BytesArtifact::new(ArtifactKind::Initrd, "initrd", initrd).unwrap();
    let image = Image::builder(&ProfileSpec::new("worker").unwrap(), boot);
    image.kernel(site.kernel().clone()).initrd(initrd).build().unwrap()
}

/// A machine boots one release from the network, fetches the files of the live release, and starts
/// them. The second system has its own command line, and fetches its closure.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_starts_another_one_with_a_closure() {
    let site = ClosureSite::new().await;
    let server = site.serve().await;
    let port = server.address().port();
    let target = format!("http://10.0.2.2:{port}/");
    let context = Context::new();

    let image = first(&site, &format!("{target}kexec/"));
    let release = Renderer::builder().build().unwrap().render_release([image]).unwrap();
    site.publish(&release).await;
    let packed = site.pack(&site.usual_system("second"));
    site.publish(&site.release(&packed, &[port], &[])).await;

    let publisher = site.publisher();
    let live = publisher.live().await.unwrap().unwrap();
    let images = publisher.images(&live).await.unwrap();
    let tree = KexecTree::new(&images[0], &[target.parse().unwrap()], &context).await.unwrap();
    let directory = site.published().join("kexec");
    fs::create_dir(&directory).unwrap();
    let files = tree.files(KexecForm::Tree).unwrap();
    assert_eq!(files.iter().map(|file| file.name).collect::<Vec<_>>(), FILES);
    for file in files {
        let mut bytes = Vec::new();
        file.content.open().await.unwrap().read_to_end(&mut bytes).await.unwrap();
        let path = directory.join(file.name);
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
    }

    let script =
        layout::in_release(release.id(), &layout::profile_script(&"worker".parse().unwrap()));
    let machine = ClosureSite::machine(Firmware::Bios);
    let machine = machine.expect("CLOSURE-READY second").fail_on("CLOSURE-DAMAGED");
    let machine = machine.build().unwrap();
    let report = machine.boot(&server.url(script.as_str()), &context).await.unwrap();
    let report = ClosureReport::new(report);
    report.assembled(&packed, "second");
    let console = &report.report.console;
    let place =
        |text: &str| console.find(text).unwrap_or_else(|| panic!("no `{text}` in:\n{console}"));
    assert!(place("FIRST-READY 6.") < place("the machine will boot into nixos: closure"));
    // The script told it the card of the default route.
    assert!(place("CLOSURE-CARRIER BOOTIF=01-") < place("CLOSURE-READY second"));
    assert!(place("FIRST-ENDS") < place("CLOSURE-GENERATION second"));
}
