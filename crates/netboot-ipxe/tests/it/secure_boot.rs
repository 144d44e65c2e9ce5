//! Scripts for machines with Secure Boot.

use std::sync::Arc;

use ipxe_script::IpxeBuild;
use netboot_core::{Architecture, Artifact, ArtifactKind, BytesArtifact, Image, ReleasePath};
use netboot_ipxe::{
    Assignment, Error, Fleet, MachineKey, Menu, Renderer, RendererBuilder, UnknownMachine,
};

use crate::closures::url;
use crate::followed_hints::follow;
use crate::golden_file::assert_golden;
use crate::images::image;

fn program(kind: ArtifactKind, name: &str) -> Arc<dyn Artifact> {
    Arc::new(BytesArtifact::new(kind, name, format!("the program {name}")).unwrap())
}

/// An image with a UKI.
fn with_uki(name: &str) -> Image {
    let uki = program(ArtifactKind::Uki, &format!("{name}.efi"));
    image(name, "Worker", &["loglevel=4"], &["initrd"]).with_uki(uki).unwrap()
}

fn secure() -> RendererBuilder {
    Renderer::builder().secure_boot(true)
}

/// A build of 2.0 with everything that a script can check.
fn able() -> IpxeBuild {
    let sid: IpxeBuild = "sid-efi".parse().unwrap();
    let able = sid.customize("able").command("imgtrust").option("imgtrust", "allow");
    able.command("imgverify").build().unwrap()
}

/// A fleet with one machine.
fn fleet_of(machine: Assignment) -> Fleet {
    Fleet::builder(UnknownMachine::Refuse).assignments([machine]).build().unwrap()
}

fn machine() -> Assignment {
    let key = MachineKey::Mac("52:54:00:00:00:01".parse().unwrap());
    Assignment::new("node-1", "worker").unwrap().with_key(key)
}

#[test]
fn a_script_starts_the_uki_and_nothing_beside_it() {
    let image = with_uki("worker");
    let script = secure().build().unwrap().render_image(&image).unwrap();
    assert_golden("secure-boot.ipxe", &script);
    let uki = image.uki().unwrap().sha256();
    assert!(script.contains(&format!("kernel --name worker.efi ../../../blobs/{uki} ||")));
    assert!(!script.contains("\ninitrd ") && !script.contains("init="), "{script}");
}

#[test]
fn a_script_checks_shim_and_uki_before_it_starts_them() {
    let image = with_uki("worker");
    let shim = program(ArtifactKind::EfiProgram, "shimx64.efi");
    let other = program(ArtifactKind::EfiProgram, "shimaa64.efi");
    let signature = |signed: &Arc<dyn Artifact>| {
        let bytes = format!("signature of {}", signed.sha256());
        let file = BytesArtifact::new(ArtifactKind::Signature, "signature", bytes).unwrap();
        (signed.sha256(), Arc::new(file) as Arc<dyn Artifact>)
    };
    let signatures = [signature(image.uki().unwrap()), signature(&shim)];
    let renderer = secure()
        .ipxe_build(able())
        .shim(Architecture::X86_64, shim.clone())
        .shim(Architecture::Aarch64, other.clone())
        .check_digests(true)
        .signatures(signatures.clone())
        .build()
        .unwrap();
    let release = renderer.render_release([image.clone()]).unwrap();
    assert_golden("verified-secure-boot.ipxe", &renderer.render_image(&image).unwrap());
    let standalone = renderer.render_standalone(&image).unwrap();
    assert!(standalone.contains("\nshim shimx64.efi || goto failed\n"), "{standalone}");
    assert!(standalone.contains("sha256sum --set netboot-digest shimx64.efi &&"), "{standalone}");
    for file in [&shim, &signatures[0].1, &signatures[1].1, image.uki().unwrap(), image.kernel()] {
        assert!(release.blobs().contains_key(&file.sha256()), "{}", file.file_name());
    }
    // No image is for this architecture.
    assert!(!release.blobs().contains_key(&other.sha256()));
}

#[test]
fn menus_families_and_machines_lead_to_ukis() {
    let images = [with_uki("worker"), with_uki("spare")];
    let menu = Menu::of_images(&images).unwrap();
    let members = [(Architecture::X86_64, "worker".parse().unwrap())];
    let renderer = secure()
        .menu(menu)
        .family("all".parse().unwrap(), members)
        .fleet(fleet_of(machine()))
        .build()
        .unwrap();
    let release = renderer.render_release(images.clone()).unwrap();
    assert_eq!(release.files().len(), 4);
    let script = renderer.render_machine(&images[0], &machine(), 2).unwrap();
    assert!(script.contains("kernel --name worker.efi ../../blobs/"), "{script}");
}

#[test]
fn an_image_without_a_uki_is_refused() {
    let plain = || image("worker", "Worker", &[], &["initrd"]);
    let render = |renderer: RendererBuilder, image| renderer.build()?.render_release([image]);
    let refused = || render(secure(), plain());
    assert!(matches!(refused(), Err(Error::NoUki { .. })));
    follow(refused(), "with `Image::with_uki`", render(secure(), with_uki("worker")));
    let without = "render scripts without `RendererBuilder::secure_boot`";
    follow(refused(), without, render(Renderer::builder(), plain()));
}

#[test]
fn nothing_that_a_uki_would_ignore_is_dropped_in_silence() {
    let with_fleet =
        |machine| secure().fleet(fleet_of(machine)).build()?.render_release([with_uki("worker")]);
    let hint = "build a profile with a UKI that has it";
    let parameter = || machine().with_kernel_parameter("hostname=node-1").unwrap();
    let initrd = || machine().with_overlay(program(ArtifactKind::Initrd, "overlay"));
    for machine_with in [parameter(), initrd()] {
        let renderer = secure().build().unwrap();
        let alone = renderer.render_machine(&with_uki("worker"), &machine_with, 2);
        assert!(matches!(alone, Err(Error::OutsideOfUki { .. })), "{alone:?}");
        follow(with_fleet(machine_with), hint, with_fleet(machine()));
    }
    let source = url("http://boot.example.org/");
    for (renderer, named) in [
        (secure().kernel_parameter("quiet"), "the kernel parameter `quiet` of every image"),
        (secure().boot_card(true), "`BOOTIF`"),
        (secure().closure_source(&source).unwrap(), "http://boot.example.org/"),
    ] {
        let error = renderer.build().unwrap_err();
        assert!(error.to_string().contains(named), "{error}");
        follow(Err::<(), _>(error), "remove it", secure().build());
    }
}

#[test]
fn a_build_for_a_bios_or_without_the_command_is_refused() {
    let refused = |renderer: RendererBuilder| renderer.build().unwrap_err().to_string();
    assert!(refused(secure().ipxe_build("sid-bios")).contains("UEFI"));
    let shim = program(ArtifactKind::EfiProgram, "shimx64.efi");
    let old = secure().shim(Architecture::X86_64, shim).ipxe_build("bookworm-efi");
    assert!(refused(old).contains("the command shim"));
}

#[test]
fn a_template_that_starts_something_else_is_refused() {
    let template = netboot_ipxe::TemplateName::Image;
    let text = "{% extends \"built-in/image\" %}{% block before_boot %}\
                kernel other.efi || goto failed\n{% endblock before_boot %}";
    let renderer = secure().template(template, text).build().unwrap();
    let error = renderer.render_image(&with_uki("worker")).unwrap_err().to_string();
    assert!(error.contains("`other.efi`, which no key of the firmware signed"), "{error}");
}

#[test]
fn programs_for_firmware_lead_to_the_static_entries() {
    let members = [(Architecture::Aarch64, "worker".parse().unwrap())];
    let renderer = Renderer::builder()
        .family("all".parse().unwrap(), members)
        .boot_program(Architecture::X86_64, "MZ of x86_64")
        .boot_program(Architecture::Aarch64, "MZ of aarch64")
        .build()
        .unwrap();
    let release = renderer.render_release([image("worker", "Worker", &[], &["initrd"])]).unwrap();
    let entries: Vec<&str> = release.entry_points().keys().map(ReleasePath::as_str).collect();
    assert_eq!(
        entries,
        [
            "all/autoexec.ipxe",
            "all/boot-aarch64.efi",
            "all/netboot.ipxe",
            "autoexec.ipxe",
            "boot-aarch64.efi",
            "boot-x86_64.efi",
            "boot.ipxe",
            // The image is for 64-bit x86.
            "worker/autoexec.ipxe",
            "worker/boot-x86_64.efi",
            "worker/netboot.ipxe",
        ]
    );
    let text = |path: &str| {
        let bytes = &release.entry_points()[&ReleasePath::new(path).unwrap()];
        String::from_utf8(bytes.to_vec()).unwrap()
    };
    assert_golden("sid-autoexec.ipxe", &text("worker/autoexec.ipxe"));
    assert!(text("autoexec.ipxe").contains("chain --replace ${netboot-directory}boot.ipxe ||"));
    assert_eq!(text("worker/boot-x86_64.efi"), "MZ of x86_64");

    let script = Renderer::builder().boot_program(Architecture::X86_64, "#!ipxe\n");
    let error = script.build().unwrap().render_release([image("worker", "W", &[], &["initrd"])]);
    let error = error.unwrap_err();
    assert!(matches!(error, Error::Core(netboot_core::Error::NotAProgram { .. })), "{error:?}");
}
