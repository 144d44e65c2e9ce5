//! A machine boots straight from a registry that lets everyone read.

use netboot_core::{
    ArtifactKind, BytesArtifact, Context, FileName, KernelParameter, ReleasePath, layout,
};
use netboot_publish::{OciCredentials, OciStore, Publisher, Store, Upload};
use netboot_qemu::{BootReport, Firmware, Machine};
use netboot_testbed::{PATIENCE, Registry, RegistryAccess};
use netboot_tests::Site;

/// Boots a script that names the kernel and the initrd by the URLs of their blobs. The script gives
/// them without a host, so iPXE fetches them from where the script came from.
async fn boot_from_a_registry(firmware: Firmware) -> BootReport {
    let site = Site::new();
    let directory = tempfile::TempDir::new().unwrap();
    let registry = Registry::start(directory.path(), &RegistryAccess::Anyone);
    let store = OciStore::builder(format!("{}/boot/nixos", registry.address()))
        .credentials(OciCredentials::Anonymous)
        .build()
        .await
        .unwrap();
    let release = site.release("first", &["worker"]).await;
    Publisher::new(store.clone()).publish(&release, &Context::new()).await.unwrap();

    let image = &release.manifest().images()["worker"];
    let url = async |sha256| {
        let url = store.blob_url(&layout::blob(sha256)).await.unwrap().unwrap();
        // In a URL without a host, iPXE takes what is before a colon for a scheme (`parse_uri` in
        // `src/core/uri.c`).
        url.path().replace(':', "%3A")
    };
    let (kernel, initrd) = (url(&image.kernel.sha256).await, url(&image.initrds[0].sha256).await);
    let parameters: Vec<&str> =
        image.boot.kernel_parameters().iter().map(KernelParameter::as_str).collect();
    let script = format!(
        "#!ipxe\nkernel --name bzImage {kernel} initrd=initrd init={} {}\n\
         initrd --name initrd {initrd}\nboot\n",
        image.boot.init(),
        parameters.join(" ")
    );
    let path: ReleasePath = "direct/worker.ipxe".parse().unwrap();
    let name = FileName::new("worker.ipxe").unwrap();
    let artifact = BytesArtifact::new(ArtifactKind::Script, name, script).unwrap();
    store.send(vec![Upload::new(path.clone(), artifact)], &Context::new()).await.unwrap();
    let script = store.blob_url(&path).await.unwrap().unwrap();
    let machine = Machine::builder().firmware(firmware).timeout(PATIENCE);
    let machine = machine.expect("NETBOOT-READY worker").build().unwrap();
    machine.boot(&script, &Context::new()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_boots_from_the_blobs_of_a_registry_by_bios() {
    boot_from_a_registry(Firmware::Bios).await.ensure_success().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_boots_from_the_blobs_of_a_registry_by_uefi() {
    boot_from_a_registry(Firmware::Uefi).await.ensure_success().unwrap();
}
