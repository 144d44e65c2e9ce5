//! Images for the tests.

use std::sync::Arc;

use netboot_core::{
    Architecture, ArtifactKind, BootSpec, BytesArtifact, FileName, Image, InitPath,
    KernelParameter, ProfileSpec, Title,
};

pub(crate) fn image(name: &str, title: &str, parameters: &[&str], initrds: &[&str]) -> Image {
    let profile = ProfileSpec::new(name.parse().unwrap()).with_title(Title::new(title).unwrap());
    let init = InitPath::new(format!("/nix/store/0a1b2c-nixos-system-{name}/init")).unwrap();
    let parameters = parameters.iter().map(|text| KernelParameter::new(*text).unwrap()).collect();
    let boot = BootSpec::new(Architecture::X86_64, init, parameters).unwrap();
    let artifact = |kind, file_name: &str| {
        let file_name = FileName::new(file_name).unwrap();
        Arc::new(BytesArtifact::new(kind, file_name.clone(), file_name.to_string()))
    };
    let image = Image::builder(&profile, boot).kernel(artifact(ArtifactKind::Kernel, "bzImage"));
    let initrds = initrds.iter().map(|name| artifact(ArtifactKind::Initrd, name));
    initrds.fold(image, |image, initrd| image.initrd(initrd)).build().unwrap()
}
