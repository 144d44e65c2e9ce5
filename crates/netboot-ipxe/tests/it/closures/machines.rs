//! Closures and the machines of a fleet: dispatch, families, and scripts for one machine.

use std::sync::Arc;

use netboot_core::{Architecture, ArtifactKind, BytesArtifact, FileName, ReleasePath};
use netboot_ipxe::{Assignment, DispatchForm, Error, Fleet, MachineKey, Renderer, UnknownMachine};
use tokio::io::AsyncReadExt;

use super::{MIRROR, index_of, new, old, read_by_stage_1, url, values, words};
use crate::golden_file::assert_golden;
use crate::images::{closure_image, image};

fn machine(profile: &str, parameters: &[&str]) -> Assignment {
    let key = MachineKey::Mac("52:54:00:12:34:56".parse().unwrap());
    let machine = Assignment::new("node-1", profile).unwrap();
    parameters.iter().fold(machine.with_key(key), |machine, parameter| {
        machine.with_kernel_parameter(*parameter).unwrap()
    })
}

fn with_overlay(assignment: Assignment) -> Assignment {
    let name = FileName::new("host-keys").unwrap();
    assignment
        .with_overlay(Arc::new(BytesArtifact::new(ArtifactKind::Initrd, name, "keys").unwrap()))
}

fn fleet(assignment: Assignment, form: DispatchForm) -> Fleet {
    Fleet::builder(UnknownMachine::Refuse).form(form).assignment(assignment).build().unwrap()
}

#[tokio::test]
async fn a_fleet_boots_closures_with_parameters_and_overlays() {
    let machine = with_overlay(machine("worker", &["systemd.hostname=node-1"]));
    for form in [DispatchForm::Inline, DispatchForm::Tables, DispatchForm::Files] {
        let renderer = old().fleet(fleet(machine.clone(), form)).build().unwrap();
        let release = renderer.render_release([closure_image("worker", &["quiet"])]).unwrap();
        let path = ReleasePath::new("worker/netboot.ipxe").unwrap();
        let mut script = String::new();
        let mut reader = release.files()[&path].open().await.unwrap();
        reader.read_to_string(&mut script).await.unwrap();
        assert_golden("closure-dispatch-image.ipxe", &script);
        let words = words(&script);
        assert_eq!(words.last(), Some(&"${netboot-parameters}"));
        let read = read_by_stage_1(&words[..words.len() - 1], "");
        assert_eq!(read.index, Some(index_of("worker")));
    }
}

#[test]
fn the_script_of_one_machine_names_the_closure_last() {
    let machine = with_overlay(machine("worker", &["netboot.store=zram"]));
    let render = |renderer: Renderer, directories| {
        renderer.render_machine(&closure_image("worker", &[]), &machine, directories).unwrap()
    };
    let script = render(old().build().unwrap(), 1);
    assert_golden("closure-one-machine.ipxe", &script);
    let told = words(&script);
    assert_eq!(values(&told, "initrd"), ["initrd", "machine-overlay"]);
    assert!(told.last().unwrap().starts_with("netboot.index="));
    let read = read_by_stage_1(&told, "");
    assert_eq!(read.store, netboot_closure::boot_parameter::StoreChoice::Zram);
    // A service answers at its own place, and the target is below or above it.
    let script = render(new().build().unwrap(), 0);
    assert_eq!(values(&words(&script), "netboot.from"), ["${cwduri}"]);
    let script = render(new().build().unwrap(), 2);
    assert_eq!(values(&words(&script), "netboot.from"), ["${cwduri}../../"]);
    let script = render(new().payload_url(&url(MIRROR)).unwrap().build().unwrap(), 2);
    assert_eq!(values(&words(&script), "netboot.from"), [MIRROR]);
}

#[test]
fn a_machine_cannot_replace_the_index_of_its_image() {
    for parameter in ["netboot.index=00", "\"netboot.index=00\"", "netboot\".index\"=00"] {
        let machine = machine("worker", &[parameter]);
        let images = || [closure_image("worker", &[]), image("plain", "P", &[], &["initrd"])];
        let renderer = old().build().unwrap();
        let error = renderer.render_machine(&images()[0], &machine, 0).unwrap_err();
        assert!(matches!(error, Error::ReservedParameter { .. }), "{error:?}");
        let refused = |assignment: Assignment, families: bool| {
            let fleet = fleet(assignment, DispatchForm::Inline);
            let renderer = old().fleet(fleet);
            let members = [Architecture::X86_64, Architecture::Aarch64];
            let members = members.into_iter().zip(["worker", "plain"]);
            let members = members.map(|(one, name)| (one, name.parse().unwrap()));
            let renderer =
                if families { renderer.family("node".parse().unwrap(), members) } else { renderer };
            renderer.build().unwrap().render_release(images()).err()
        };
        for (profile, families) in [("worker", false), ("node", true)] {
            let machine = self::machine(profile, &[parameter]);
            let error = refused(machine, families).unwrap();
            assert!(matches!(error, Error::ReservedParameter { .. }), "{error:?}");
            assert!(error.hint().unwrap().contains("machine"), "{error}");
        }
        // An image without a closure has no stage 1 that reads it.
        assert!(refused(self::machine("plain", &[parameter]), false).is_none());
    }
}
