//! A release of images that no machine could boot, which is published quickly.

use std::sync::Arc;

use netboot_core::{
    Architecture, Artifact, ArtifactKind, BootSpec, BytesArtifact, Closure, Context, Image,
    InitPath, ProfileSpec, ReleaseId,
};
use netboot_ipxe::{Renderer, RendererBuilder};
use netboot_publish::Publisher;

/// An image with `bytes` as its kernel.
pub(crate) fn image(profile: &str, bytes: &[u8]) -> Image {
    image_of(profile, bytes, None)
}

fn image_of(profile: &str, bytes: &[u8], closure: Option<Closure>) -> Image {
    let artifact = |kind, name: &str, bytes: Vec<u8>| -> Arc<dyn Artifact> {
        Arc::new(BytesArtifact::new(kind, name, bytes).unwrap())
    };
    let spec = ProfileSpec::new(profile).unwrap();
    let init = InitPath::new(format!("/nix/store/0a1b-nixos-system-{profile}/init")).unwrap();
    let boot = BootSpec::new(Architecture::X86_64, init, ["loglevel=4"]).unwrap();
    let image = Image::builder(&spec, boot)
        .kernel(artifact(ArtifactKind::Kernel, "bzImage", bytes.to_vec()))
        .initrd(artifact(ArtifactKind::Initrd, "initrd", format!("of {profile}").into_bytes()));
    let image = match closure {
        Some(closure) => image.closure(closure),
        None => image,
    };
    image.build().unwrap()
}

/// An image whose store paths machines fetch by themselves.
pub(crate) fn closure_image(profile: &str) -> Image {
    let artifact = |kind, name: &'static str| -> Arc<dyn Artifact> {
        Arc::new(BytesArtifact::new(kind, name, name).unwrap())
    };
    let closure = Closure {
        index: artifact(ArtifactKind::ClosureIndex, "index"),
        blobs: vec![artifact(ArtifactKind::StorePath, "bash")],
        unpacked_bytes: 4096,
        inodes: 1,
    };
    image_with_closure(profile, closure)
}

/// An image with this closure.
pub(crate) fn image_with_closure(profile: &str, closure: Closure) -> Image {
    image_of(profile, b"kernel", Some(closure))
}

/// Publishes images of these profiles as the live release.
pub(crate) async fn publish(
    publisher: &Publisher,
    renderer: RendererBuilder,
    profiles: &[&str],
) -> ReleaseId {
    let images = profiles.iter().map(|profile| image(profile, b"kernel"));
    publish_images(publisher, renderer, images).await
}

/// Stages a worker of this generation, the same at every publisher.
pub(crate) async fn stage(publisher: &Publisher, generation: &str) -> ReleaseId {
    let release =
        renderer().build().unwrap().render_release([image("worker", generation.as_bytes())]);
    let release = release.unwrap();
    publisher.stage(&release, &Context::new()).await.unwrap();
    *release.id()
}

/// Publishes images as the live release.
pub(crate) async fn publish_images(
    publisher: &Publisher,
    renderer: RendererBuilder,
    images: impl IntoIterator<Item = Image>,
) -> ReleaseId {
    let release = renderer.build().unwrap().render_release(images).unwrap();
    publisher.publish(&release, &Context::new()).await.unwrap();
    *release.id()
}

/// A renderer with the library's defaults.
pub(crate) fn renderer() -> RendererBuilder {
    Renderer::builder()
}
