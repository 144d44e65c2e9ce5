//! A release goes live only if it boots from its store.

use netboot_core::{BootSpec, Context, Image, InitPath, ProfileSpec, Release};
use netboot_ipxe::Renderer;
use netboot_publish::{Error, MemoryStore, Publisher};
use netboot_qemu::{Machine, QemuProver};
use netboot_testbed::PATIENCE;
use netboot_tests::Site;

fn release(image: Image) -> Release {
    Renderer::builder().build().unwrap().render_release([image]).unwrap()
}

/// An image with the kernel and initrd of another one, and an `init` that no initrd contains.
fn with_wrong_init(image: &Image) -> Image {
    let profile = ProfileSpec::new(image.profile().clone()).unwrap();
    let boot = &image.manifest().boot;
    let init = InitPath::new("/nix/store/00000000000000000000000000000000-gone/init").unwrap();
    let parameters = boot.kernel_parameters().to_vec();
    let boot = BootSpec::new(boot.architecture(), init, parameters).unwrap();
    let mut payload = image.payload();
    let kernel = payload.next().unwrap().clone();
    let builder = Image::builder(&profile, boot).kernel(kernel);
    payload.fold(builder, |builder, initrd| builder.initrd(initrd.clone())).build().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_release_that_comes_up_goes_live() {
    let site = Site::new();
    let good = site.build("first", &["worker"]).await.remove(0);
    let broken = release(with_wrong_init(&good));
    let good = release(good);
    let publisher = Publisher::new(MemoryStore::new());
    let prover = QemuProver::new(|image| {
        let ready = format!("NETBOOT-READY {}", image.profile());
        Machine::builder().timeout(PATIENCE).expect(ready)
    });

    let receipt = publisher.publish_proven(&good, &prover, &Context::new()).await.unwrap();
    assert!(receipt.proof.proofs["worker"].console.contains("NETBOOT-READY worker"), "{receipt}");
    assert_eq!(publisher.live().await.unwrap(), Some(*good.id()));

    let error = publisher.publish_proven(&broken, &prover, &Context::new()).await.unwrap_err();
    assert_eq!(publisher.live().await.unwrap(), Some(*good.id()), "the live one is untouched");
    assert_eq!(publisher.history().await.unwrap().len(), 1);
    assert!(publisher.releases().await.unwrap().contains(broken.id()), "it stays staged");
    let Error::NotProven { failures, .. } = &error else { panic!("{error:?}") };
    let console = failures["worker"].last_lines.join("\n");
    assert!(console.contains("00000000000000000000000000000000-gone/init"), "{error}");
    assert!(console.contains("Kernel panic"), "{error}");
    assert!(error.to_string().contains("Kernel panic"), "{error}");
    let hint = error.hint().unwrap();
    assert!(hint.contains("read the messages of `init` before the panic: `init` exited"), "{hint}");
}
