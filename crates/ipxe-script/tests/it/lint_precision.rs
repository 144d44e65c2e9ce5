//! Findings that were wrong on scripts that people run, and mistakes that were missed there.

use ipxe_script::{IpxeBuild, LintFindingKind, Linter, Script, lint};

use crate::lint_build::build_of;

fn codes(script: &str, build: &IpxeBuild) -> Vec<&'static str> {
    lint(script, build).iter().map(|finding| finding.kind.code()).collect()
}

#[test]
fn a_byte_order_mark_is_one_finding() {
    let script = "\u{feff}#!ipxe\necho hello\n";
    assert_eq!(codes(script, &IpxeBuild::default()), ["magic"]);
}

#[test]
fn a_loop_over_devices_ends_after_the_last_one() {
    let build: IpxeBuild = "sid-efi".parse().unwrap();
    let by_card = "#!ipxe\nset n:int32 0\n:next isset ${net${n}/mac} || goto done\n\
                   echo ${net${n}/mac}\ninc n\ngoto next\n:done echo all\n";
    let by_scan = "#!ipxe\n:next pciscan dev || goto done\necho ${pci/${dev}.0.2}\ngoto next\n\
                   :done echo all\n";
    for script in [by_card, by_scan] {
        assert_eq!(codes(script, &build), [""; 0], "{script}");
    }
    // This test never leads out of the loop.
    let stays = by_card.replace("|| goto done", "||").replace(":done echo all\n", "");
    assert_eq!(codes(&stays, &build), ["endless-retry"]);
}

#[test]
fn a_message_shows_a_setting_as_a_setting() {
    let script = "#!ipxe\nchain --timeout ${t}s a.ipxe || exit 1\nset t 5\n";
    let findings = lint(script, &IpxeBuild::default());
    let message = findings.iter().find(|it| it.kind.code() == "option-value").unwrap().to_string();
    assert!(message.contains("`${…}s`"), "{message}");
}

#[test]
fn a_test_of_a_text_that_is_never_empty_is_constant() {
    let build = IpxeBuild::default();
    for word in ["x${ip}", "({x})", "${ip}x"] {
        let script = format!("#!ipxe\nisset {word} || echo no\n");
        assert_eq!(codes(&script, &build), ["constant-condition"], "{word}");
    }
    assert_eq!(codes("#!ipxe\nisset ${net${ip}/mac} || echo no\n", &build), [""; 0]);
}

#[test]
fn a_comment_behind_a_command_that_prints_nothing_is_meant() {
    let build = IpxeBuild::default();
    assert_eq!(codes("#!ipxe\nset a b #the default\necho ${a}\n", &build), [""; 0]);
    assert_eq!(codes("#!ipxe\necho Rack #7\n", &build), ["comment-cuts-arguments"]);
}

#[test]
fn scripts_that_chain_each_other_share_their_settings() {
    let first = Script::parse("#!ipxe\nset rack a\nchain next.ipxe || exit 1\n");
    let next = Script::parse("#!ipxe\necho ${rack} ${racks}\n");
    let linter = Linter::new(&IpxeBuild::default()).with_settings_of(&first);
    let kinds: Vec<_> = linter.lint(&next).into_iter().map(|finding| finding.kind).collect();
    assert_eq!(kinds, [LintFindingKind::NeverSet { setting: "racks".to_owned() }]);
}

#[test]
fn a_jump_to_an_unknown_label_may_lead_to_any_label() {
    let build = IpxeBuild::default();
    let loops = "#!ipxe\ngoto ${net0/mac} || exit 1\n:a\nprompt A\ngoto b\n:b\nprompt B\ngoto a\n";
    assert_eq!(codes(loops, &build), [""; 0]);
    // The jump itself is never reached.
    let dead = loops.replace("goto ${", "exit 1\ngoto ${");
    assert_eq!(codes(&dead, &build), ["unreachable"]);
}

#[test]
fn a_value_that_starts_with_a_dash_is_read_as_an_option() {
    let build = IpxeBuild::default();
    let script = |value: &str, command: &str| format!("#!ipxe\nset x {value}\n{command}\n");
    for (value, command) in [
        ("-----", "echo ${x}"),
        ("-xyz", "menu A\nitem ${x} Foo"),
        ("--name k", "imgstat ||\nkernel ${x} k || exit 1\nimgstat"),
    ] {
        let found = codes(&script(value, command), &build);
        assert!(found.contains(&"unknown-option"), "{command}: {found:?}");
    }
    for (value, command) in [
        ("-----", "echo -- ${x}"),
        ("-----", "echo = ${x}"),
        ("-----", "set y ${x}\necho = ${y}"),
        ("--autofree", "chain ${x} a.ipxe || exit 1"),
        ("a-b", "echo ${x}"),
    ] {
        assert_eq!(codes(&script(value, command), &build), [""; 0], "{command}");
    }
}

#[test]
fn newer_builds_offer_all_initrds_under_one_name() {
    let script = "#!ipxe\nimgfree\nkernel k initrd=initrd.magic || exit 1\n\
                  initrd --name i i || exit 1\nboot || exit 1\n";
    for name in ["trixie", "trixie-efi", "sid", "sid-efi"] {
        assert_eq!(codes(script, &name.parse().unwrap()), [""; 0], "{name}");
    }
    let old = codes(script, &"bookworm-efi".parse().unwrap());
    assert_eq!(old, ["unknown-initrd", "initrd-not-loaded"]);
}

#[test]
fn a_verification_that_keeps_an_image_from_being_started_needs_no_trust_settings() {
    let build = build_of(b"#!ipxe\n# build: verifying\n");
    let script =
        "#!ipxe\nimgfetch --name m m || exit 1\nimgverify m m.sig NEXT\nchain m || exit 1\n";
    let codes = |next| codes(&script.replace("NEXT", next), &build);
    assert_eq!(codes("|| exit 1"), [""; 0]);
    assert_eq!(codes("|| imgfree"), [""; 0]);
    assert_eq!(codes("|| imgverify m n.sig || exit 1"), [""; 0]);
    assert_eq!(codes("||"), ["verify-without-trust"]);
    assert_eq!(codes("|| echo no signature"), ["verify-without-trust"]);
}

#[test]
fn images_of_one_name_that_are_never_there_together_are_no_duplicates() {
    let build: IpxeBuild = "sid".parse().unwrap();
    let script = |images: &str| {
        format!(
            "#!ipxe\nimgfree\nkernel k initrd=i || goto failed\n{images}\nboot || goto failed\n\
             :failed\necho it failed\nexit 1\n"
        )
    };
    for images in [
        "initrd --name i a || initrd --name i b || goto failed",
        "initrd --name i a || goto second\ngoto on\n:second\ninitrd --name i b || goto failed\n:on",
        "initrd --name i a ||\ninitrd --name i A ||",
        "iseq ${platform} efi && initrd --name i a ||\niseq ${platform} pcbios && initrd --name i b ||",
        "iseq x86_64 ${buildarch} && initrd --name i a ||\niseq ${buildarch} arm64 && initrd --name i b ||",
        "iseq ${platform} efi && goto efi ||\ninitrd --name i b || goto failed\ngoto on\n\
         :efi\ninitrd --name i a || goto failed\n:on",
        "initrd --name i a || goto failed\nimgfree i\ninitrd --name i b || goto failed",
    ] {
        let found = codes(&script(images), &build);
        assert!(!found.contains(&"duplicate-image"), "{images}: {found:?}");
    }
    for images in [
        "initrd --name i a || goto failed\ninitrd --name i b || goto failed",
        "iseq ${platform} efi && initrd --name i a\niseq ${buildarch} i386 && initrd --name i b",
        "initrd --name i a || goto failed\nimgfree k\ninitrd --name i b || goto failed",
    ] {
        assert!(codes(&script(images), &build).contains(&"duplicate-image"), "{images}");
    }
}

#[test]
fn images_are_left_over_only_where_the_script_leaves_them() {
    let build: IpxeBuild = "sid".parse().unwrap();
    let once =
        "kernel --name k k || goto failed\ninitrd --name i i || goto failed\nboot || goto failed\n";
    let failed = ":failed\nprompt Again\n";
    let codes = |script: String| codes(&script, &build);
    assert_eq!(codes(format!("#!ipxe\n{once}{failed}exit 1\n")), [""; 0]);
    let again = |free: &str| codes(format!("#!ipxe\n:start\n{once}{failed}{free}\ngoto start\n"));
    assert_eq!(again(""), ["stray-images"]);
    assert_eq!(again("imgfree"), [""; 0]);
    assert_eq!(again("imgfree k i"), [""; 0]);
    assert_eq!(again("imgfree i"), ["stray-images"]);
    // The second choice replaces the first one, which was not there.
    let either = once.replacen(" || goto", " || kernel --name k k2 || goto", 1);
    assert_eq!(codes(format!("#!ipxe\n{either}{failed}exit 1\n")), [""; 0]);
}

#[test]
fn a_carriage_return_at_the_end_of_a_line_does_nothing() {
    let build = IpxeBuild::default();
    assert_eq!(codes("#!ipxe\r\nset a b\r\necho ${a}\r\n:x\r\ngoto x2\r\n:x2\r", &build), [""; 0]);
    assert_eq!(codes("#!ipxe\r\necho a\rb\r\n", &build), ["carriage-return"]);
}

#[test]
fn a_script_that_reads_settings_of_another_one_returns_to_it() {
    let build: IpxeBuild = "sid-efi".parse().unwrap();
    assert_eq!(codes("#!ipxe\necho Bye\nexit\n", &build), ["exit-to-firmware-menu"]);
    assert_eq!(codes("#!ipxe\necho ${site-name}\nexit\n", &build), ["never-set"]);
    let first = Script::parse("#!ipxe\nset site-name a\nchain next.ipxe ||\nsanboot || exit 1\n");
    let next = Script::parse("#!ipxe\necho ${site-name}\nexit\n");
    assert_eq!(Linter::new(&build).with_settings_of(&first).lint(&next), []);
}

#[test]
fn a_loop_that_waits_for_an_answer_or_changes_what_it_tests_is_no_busy_loop() {
    let build = IpxeBuild::default();
    for script in [
        "#!ipxe\n:again\ndhcp || goto again\n",
        "#!ipxe\nset by https\n:again\nchain ${by}://a.example/ || iseq ${by} https || exit 1\n\
         set by http\ngoto again\n",
    ] {
        assert!(!codes(script, &build).contains(&"endless-retry"), "{script}");
    }
    let stays = "#!ipxe\n:again\nset by http\nchain ${by}://a.example/ || goto again\n";
    assert_eq!(codes(stays, &build), ["endless-retry"]);
}

#[test]
fn a_setting_that_a_chained_script_may_have_set_is_no_typo() {
    let build = build_of(b"#!ipxe\n# build: sid\n");
    let codes = |script: &str| codes(&format!("#!ipxe\n{script}\nexit 1\n"), &build);
    for between in [
        "chain settings.ipxe || goto end\necho ${site}\n:end",
        "chain settings.ipxe ||\necho ${site}",
        "imgfetch --name s s || exit 1\nimgexec s || exit 1\necho ${site}",
        "chain a.ipxe || chain b.ipxe || goto end\niseq ${site} x || goto end\n:end",
    ] {
        assert_eq!(codes(between), [""; 0], "{between}");
    }
    // Before it, and where it failed, nothing has set the setting.
    for between in [
        "echo ${site}\nchain settings.ipxe || exit 1",
        "chain settings.ipxe || goto failed\nexit 1\n:failed\necho ${site}",
        "chain settings.ipxe || goto failed\n:failed\necho ${site}",
    ] {
        assert_eq!(codes(between), ["never-set"], "{between}");
    }
}

#[test]
fn an_author_who_handles_no_failure_is_told_once() {
    let build = build_of(b"#!ipxe\n# build: sid\n");
    let codes = |script: &str| codes(&format!("#!ipxe\n{script}\n"), &build);
    assert_eq!(codes("kernel k initrd=i\ninitrd i\nboot"), ["unhandled-failure"]);
    let forgotten = "kernel k initrd=i || goto end\ninitrd i\nboot\n:end\nexit 1";
    assert_eq!(codes(forgotten), ["unhandled-failure"; 2]);
}

#[test]
fn a_setting_before_the_arguments_may_hold_an_option() {
    let build = build_of(b"#!ipxe\n# build: sid\n");
    let codes = |first: &str| {
        let rest = "menu M\nitem one One\nchoose ${keep} pick || exit 1\nchain ${pick} || exit 1";
        codes(&format!("#!ipxe\n{first}\n{rest}\n"), &build)
    };
    assert_eq!(codes("isset ${serial} || set keep --keep"), [""; 0]);
    assert_eq!(codes("set keep --timeout 3000"), ["unknown-option"]);
}

#[test]
fn a_verification_that_a_setting_turns_off_is_meant() {
    let build = build_of(b"#!ipxe\n# build: verifying\n");
    let codes = |verify: &str| {
        let fetch = "imgfree\nimgtrust || goto bad\nkernel k || goto bad\n";
        codes(&format!("#!ipxe\n{fetch}{verify}\n:start\nboot || goto bad\n:bad\nexit 1\n"), &build)
    };
    let turned_off = "isset ${check} && goto verify || goto start\n:verify\n";
    assert_eq!(codes(&format!("{turned_off}imgverify k k.sig || goto bad")), [""; 0]);
    assert_eq!(codes("isset ${check} && imgverify k k.sig || goto bad"), [""; 0]);
    assert_eq!(codes(&format!("{turned_off}imgverify k k.sig ||")), ["unverified-image"]);
}

#[test]
fn a_choice_that_the_script_compares_needs_no_label() {
    let build = build_of(b"#!ipxe\n# build: sid\n");
    let codes = |compared: &str| {
        let menu = "menu M\nitem a A\nitem next Next\nchoose x || exit 1";
        let script = format!("#!ipxe\n:top\n{menu}\n{compared}\n:a\nchain a || exit 1\n");
        codes(&script, &build)
    };
    assert_eq!(codes("iseq ${x} next && goto top || goto ${x}"), [""; 0]);
    assert_eq!(codes("iseq ${x} other && goto top || goto ${x}"), ["undefined-label"]);
}

#[test]
fn an_initrd_whose_url_ends_as_the_kernel_names_it_has_that_name() {
    let build = build_of(b"#!ipxe\n# build: bookworm\n");
    let codes = |initrd: &str| {
        let script = "imgfree\nset i initrd-6.1\nkernel k initrd=${i} || exit 1\n";
        codes(&format!("#!ipxe\n{script}initrd {initrd} || exit 1\nboot || exit 1\n"), &build)
    };
    assert_eq!(codes("${i}"), [""; 0]);
    assert_eq!(codes("http://boot.example/${i}"), [""; 0]);
    assert_eq!(codes("${i}-new"), ["unnamed-initrd"]);
}
