//! The export of a fleet to matchbox and Pixiecore.

mod answers;
mod golden;
mod order;
mod refused;

use std::sync::Arc;

use netboot_core::{ArtifactKind, BytesArtifact, FileName, Manifest};
use netboot_ipxe::{Assignment, Fleet, MachineKey, Renderer, UnknownMachine};

use crate::images::image;

/// The manifest of a release of two images for the machines of a fleet.
pub(crate) fn manifest(fleet: &Fleet) -> Manifest {
    let images = [
        image("worker", "PlasmaCloud worker", &["console=ttyS0,115200"], &["initrd"]),
        image("layered", "Layers", &["dyndbg=\"file a.c +p\""], &["base", "etc"]),
    ];
    let renderer = Renderer::builder().fleet(fleet.clone()).build().unwrap();
    renderer.render_release(images).unwrap().manifest().clone()
}

pub(crate) fn mac(text: &str) -> MachineKey {
    MachineKey::Mac(text.parse().unwrap())
}

pub(crate) fn uuid(text: &str) -> MachineKey {
    MachineKey::Uuid(text.parse().unwrap())
}

pub(crate) fn serial(text: &str) -> MachineKey {
    MachineKey::Serial(text.parse().unwrap())
}

pub(crate) fn assignment(name: &str, profile: &str) -> Assignment {
    Assignment::new(name, profile).unwrap()
}

pub(crate) fn with_overlay(assignment: Assignment) -> Assignment {
    let name = FileName::new("overlay").unwrap();
    assignment
        .with_overlay(Arc::new(BytesArtifact::new(ArtifactKind::Initrd, name, "host key").unwrap()))
}

pub(crate) fn fleet(
    unknown: UnknownMachine,
    assignments: impl IntoIterator<Item = Assignment>,
) -> Fleet {
    Fleet::builder(unknown).assignments(assignments).build().unwrap()
}
