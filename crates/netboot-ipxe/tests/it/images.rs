//! Images for the tests.

use std::sync::Arc;

use netboot_core::{
    Architecture, Artifact, ArtifactKind, BootSpec, BytesArtifact, Closure, FileName, Image,
    ImageBuilder, InitPath, ProfileSpec,
};

pub(crate) fn image(name: &str, title: &str, parameters: &[&str], initrds: &[&str]) -> Image {
    builder(name, title, parameters, initrds).build().unwrap()
}

/// An image with a closure of two store paths.
pub(crate) fn closure_image(name: &str, parameters: &[&str]) -> Image {
    let closure = Closure {
        index: artifact(ArtifactKind::ClosureIndex, &format!("index of {name}")),
        blobs: ["glibc", "bash"].map(|name| artifact(ArtifactKind::StorePath, name)).into(),
        unpacked_bytes: 8192,
        inodes: 2,
    };
    let title = format!("The {name}");
    builder(name, &title, parameters, &["initrd"]).closure(closure).build().unwrap()
}

fn builder(name: &str, title: &str, parameters: &[&str], initrds: &[&str]) -> ImageBuilder {
    let profile = ProfileSpec::new(name).unwrap().with_title(title).unwrap();
    let init = InitPath::new(format!("/nix/store/0a1b2c-nixos-system-{name}/init")).unwrap();
    let boot = BootSpec::new(Architecture::X86_64, init, parameters.iter().copied()).unwrap();
    let image = Image::builder(&profile, boot).kernel(artifact(ArtifactKind::Kernel, "bzImage"));
    let initrds = initrds.iter().map(|name| artifact(ArtifactKind::Initrd, name));
    initrds.fold(image, ImageBuilder::initrd)
}

fn artifact(kind: ArtifactKind, name: &str) -> Arc<dyn Artifact> {
    let file_name = FileName::new(name.replace(' ', "-")).unwrap();
    Arc::new(BytesArtifact::new(kind, file_name, name.to_owned()).unwrap())
}
