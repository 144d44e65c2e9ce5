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
fn manifest(fleet: &Fleet) -> Manifest {
    let images = [
        image("worker", "PlasmaCloud worker", &["console=ttyS0,115200"], &["initrd"]),
        image("layered", "Layers", &["dyndbg=\"file a.c +p\""], &["base", "etc"]),
    ];
    let renderer = Renderer::builder().fleet(fleet.clone()).build().unwrap();
    renderer.render_release(images).unwrap().manifest().clone()
}

fn mac(text: &str) -> MachineKey {
    MachineKey::Mac(text.parse().unwrap())
}

fn uuid(text: &str) -> MachineKey {
    MachineKey::Uuid(text.parse().unwrap())
}

fn serial(text: &str) -> MachineKey {
    MachineKey::Serial(text.parse().unwrap())
}

fn assignment(name: &str, profile: &str) -> Assignment {
    Assignment::new(name.parse().unwrap(), profile.parse().unwrap())
}

fn with_overlay(assignment: Assignment) -> Assignment {
    let name = FileName::new("overlay").unwrap();
    assignment.with_overlay(Arc::new(BytesArtifact::new(ArtifactKind::Initrd, name, "host key")))
}

fn fleet(unknown: UnknownMachine, assignments: impl IntoIterator<Item = Assignment>) -> Fleet {
    Fleet::builder(unknown).assignments(assignments).build().unwrap()
}
