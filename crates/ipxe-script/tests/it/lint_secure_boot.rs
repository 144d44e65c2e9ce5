//! Scripts for machines with Secure Boot.

use ipxe_script::{IpxeBuild, Linter, Script, SignedPrograms};

/// The findings in a script for machines that start only `worker.efi`, a UKI, and `vmlinuz`.
fn codes(line: &str) -> Vec<&'static str> {
    let build: IpxeBuild = "trixie-efi".parse().unwrap();
    let signed = SignedPrograms::new().with_uki("worker.efi").with_program("vmlinuz");
    let linter = Linter::new(&build).with_secure_boot(signed);
    let script = format!("#!ipxe\nimgfree\n{line} || exit 1\nboot || exit 1\n");
    let findings = linter.lint(&Script::parse(&script));
    let codes = findings.iter().map(|finding| finding.kind.code());
    codes.filter(|code| *code != "nothing-selected").collect()
}

#[test]
fn a_program_is_known_by_its_url_or_by_its_file_name() {
    for signed in [
        "kernel worker.efi",
        "kernel --name linux http://boot.example.org/a/worker.efi?b=/c.efi",
        "kernel ../vmlinuz quiet",
        "imgfetch --name linux blobs/vmlinuz || exit 1\nimgselect linux quiet",
    ] {
        assert_eq!(codes(signed), [""; 0], "{signed}");
    }
    for refused in [
        "kernel worker.efi.old",
        "kernel --name worker.efi blobs/other",
        "imgfetch --name linux blobs/other || exit 1\nimgselect linux",
        "chain http://boot.example.org/ipxe.EFI",
        "shim shimx64.efi || exit 1\nkernel vmlinuz",
        "boot bzImage initrd=initrd quiet",
        "imgfetch --name linux blobs/other || exit 1\nimgexec linux",
        "chain other quiet",
        "kernel ${cwduri}/bzImage quiet",
    ] {
        assert_eq!(codes(refused), ["unsigned-program"], "{refused}");
    }
}

#[test]
fn a_script_needs_no_signature_and_a_setting_may_name_a_signed_program() {
    for script in [
        "chain next.ipxe",
        "chain next",
        "kernel next.ipxe",
        "boot ${cwduri}/next.ipxe",
        "kernel ${serial}.efi",
        "kernel ${cwduri}/vmlinuz quiet",
        "kernel ${cwduri}",
        "kernel ${cwduri}?path=/bzImage",
    ] {
        assert_eq!(codes(script), [""; 0], "{script}");
    }
    let build: IpxeBuild = "trixie-efi".parse().unwrap();
    let signed = SignedPrograms::new().with_program("http://boot.example.org/vmlinuz");
    let linter = Linter::new(&build).with_secure_boot(signed);
    let script = Script::parse("#!ipxe\nkernel ${cwduri}/vmlinuz || exit 1\nboot || exit 1\n");
    assert_eq!(linter.lint(&script), []);
}

#[test]
fn a_uki_takes_nothing_from_outside() {
    let named = "kernel --name linux worker.efi || exit 1\nimgargs linux quiet";
    assert_eq!(codes(named), ["arguments-of-uki"]);
    assert_eq!(codes("chain worker.efi quiet"), ["arguments-of-uki"]);
    let before = "initrd --name initrd initrd || exit 1\nkernel worker.efi";
    assert_eq!(codes(before), ["initrd-of-uki"]);
    for start in ["chain worker.efi", "boot worker.efi"] {
        assert_eq!(codes(&format!("initrd --name a a || exit 1\n{start}")), ["initrd-of-uki"]);
    }
    let fetched = "imgfetch --name a a || exit 1\nkernel worker.efi";
    assert_eq!(codes(fetched), ["initrd-of-uki"]);
    let selected = "imgfetch --name a worker.efi || exit 1\nimgselect a";
    assert_eq!(codes(selected), [""; 0]);
}

#[test]
fn another_program_takes_initrds_after_a_uki() {
    for freed in ["", "imgfree worker.efi || exit 1\n"] {
        let script = format!(
            "kernel worker.efi && boot ||\n{freed}kernel vmlinuz initrd=a || exit 1\ninitrd --name a a"
        );
        assert!(!codes(&script).contains(&"initrd-of-uki"), "{script}");
    }
}

#[test]
fn only_a_build_with_the_command_runs_a_shim() {
    let signed = SignedPrograms::new().with_program("shimx64.efi").with_uki("worker.efi");
    let script = "#!ipxe\nimgfree\nshim shimx64.efi || exit 1\nkernel worker.efi || exit 1\n\
                  boot || exit 1\n";
    let codes = |build: &str| -> Vec<&str> {
        let linter = Linter::new(&build.parse().unwrap()).with_secure_boot(signed.clone());
        linter.lint(&Script::parse(script)).iter().map(|finding| finding.kind.code()).collect()
    };
    assert_eq!(codes("bookworm-efi"), ["unknown-command"]);
    assert_eq!(codes("trixie-efi"), [""; 0]);
    assert_eq!(codes("ipxe-2.0-efi"), [""; 0]);
}
