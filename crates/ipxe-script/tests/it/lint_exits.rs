//! Which ends of a script lead into the menu of a UEFI firmware.

use ipxe_script::{IpxeBuild, LintFindingKind, lint};

/// Returns the lines of the exits that lead into the firmware's menu.
fn found(script: &str, build: &str) -> Vec<usize> {
    let findings = lint(format!("#!ipxe\n{script}\n"), &build.parse::<IpxeBuild>().unwrap());
    let is_exit = |kind: &LintFindingKind| *kind == LintFindingKind::ExitToFirmwareMenu;
    findings.iter().filter(|finding| is_exit(&finding.kind)).map(|finding| finding.line).collect()
}

#[test]
fn a_successful_exit_is_found_on_every_build_with_uefi_and_on_no_other() {
    for build in IpxeBuild::NAMES {
        let expected = if build.ends_with("-bios") { vec![] } else { vec![2] };
        for exit in ["exit", "exit 0", "exit 0x0", "exit 00", "exit 256", "echo bye && exit"] {
            assert_eq!(found(exit, build), expected, "{exit} on {build}");
        }
        for exit in ["exit 1", "exit 257", "exit ${status}", "exit x", "exit 0 0"] {
            assert!(found(exit, build).is_empty(), "{exit} on {build}");
        }
    }
}

#[test]
fn an_exit_counts_where_a_machine_with_uefi_gets_to() {
    // Each script, and the lines of the exits that lead into the menu.
    let scripts: [(&str, &[usize]); 16] = [
        ("iseq ${platform} efi && exit 1 ||\nexit 0", &[]),
        ("iseq ${platform} pcbios && exit 0 || exit 1", &[]),
        ("iseq pcbios ${platform} && exit ||\nexit", &[3]),
        ("iseq ${platform} efi && goto out ||\nexit 0\n:out\nexit 1", &[]),
        ("goto end-${platform}\n:end-pcbios\nexit\n:end-efi\nexit 1", &[]),
        ("goto end-${platform}\n:end-pcbios\nexit 1\n:end-efi\nexit", &[6]),
        ("goto ${platform} ||\nexit\n:efi\nexit 1", &[]),
        ("goto ${platform} ||\nexit\n:pcbios\nexit 1", &[3]),
        ("isset ${x} && exit ||\nsanboot --drive 0x80 || exit 1", &[2]),
        ("sanboot --drive 0x80 || exit", &[2]),
        // The program that was started has ended with success, so the mistake is there.
        ("chain a.ipxe || exit 1\nexit 0", &[]),
        ("chain a.ipxe && exit || exit 1", &[]),
        ("chain a.ipxe ||\nexit 0", &[3]),
        ("shell ||\nexit 0", &[3]),
        ("goto out\nexit\n:out\nexit 1", &[]),
        ("choose x || exit\ngoto ${x}", &[2]),
    ];
    for (script, lines) in scripts {
        assert_eq!(found(script, "bookworm"), lines, "{script}");
    }
}

#[test]
fn a_script_that_returns_to_another_one_is_right() {
    for script in [
        "iseq ${mac} 52:54:00:00:00:01 || exit 0\nset role worker\nexit 0",
        "menu A\nitem a A\nchoose x || goto out\necho ${x}\n:out\nclear menu\nexit 0",
        "menu A\nitem a A\nchoose x || goto back_top\necho ${x}\n:back_top\nexit 0",
    ] {
        assert_eq!(found(script, "bookworm-efi"), [0; 0], "{script}");
    }
}
