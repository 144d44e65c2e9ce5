//! Each kind of finding has a script `lint/<code>/bad.ipxe` with only this finding, and a script
//! `good.ipxe` that does nearly the same and has no finding.
//!
//! A second line `# build: <name>` names the build. Without it, the script is for the default
//! build.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use ipxe_script::{IpxeBuild, LintFinding, LintFindingKind, Platform, Severity, lint};

use crate::lint_build::{build_of, lint_for_its_machines};

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/lint")
}

fn findings(code: &str, name: &str) -> Vec<LintFinding> {
    let path = directory().join(code).join(name);
    let script = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    lint_for_its_machines(&script)
}

fn shown(findings: &[LintFinding]) -> String {
    findings.iter().fold(String::new(), |text, finding| {
        text + &format!("{finding} [{}]\n", finding.kind.code())
    })
}

#[test]
fn each_kind_is_found_where_it_is_and_nowhere_else() {
    let mut failures = String::new();
    for code in LintFindingKind::CODES {
        let bad = findings(code, "bad.ipxe");
        let codes: BTreeSet<&str> = bad.iter().map(|finding| finding.kind.code()).collect();
        if codes != BTreeSet::from([*code]) {
            failures = failures + code + "/bad.ipxe:\n" + &shown(&bad);
        }
        let good = findings(code, "good.ipxe");
        if !good.is_empty() {
            failures = failures + code + "/good.ipxe:\n" + &shown(&good);
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn there_are_scripts_for_every_kind_and_for_no_other() {
    let there = fs::read_dir(directory()).unwrap();
    let there: BTreeSet<String> =
        there.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let kinds = LintFindingKind::CODES.iter().map(|code| (*code).to_owned());
    assert_eq!(there, kinds.collect());
}

#[test]
fn findings_say_where_they_are_what_is_wrong_and_what_to_do() {
    for code in LintFindingKind::CODES {
        let script = fs::read(directory().join(code).join("bad.ipxe")).unwrap();
        for finding in lint_for_its_machines(&script) {
            assert!(finding.start < finding.end && finding.end <= script.len(), "{finding:?}");
            let before = &script[..finding.start];
            let line = before.split(|byte| *byte == b'\n').count();
            let column =
                finding.start - before.iter().rposition(|b| *b == b'\n').map_or(0, |p| p + 1);
            assert_eq!((finding.line, finding.column), (line, column + 1), "{finding:?}");
            assert!(finding.hint().len() > 10 && !finding.hint().ends_with('.'), "{finding:?}");
            assert!(finding.kind.to_string().len() > 10, "{finding:?}");
        }
    }
}

#[test]
fn findings_are_the_same_after_a_way_through_json() {
    for code in LintFindingKind::CODES {
        for finding in findings(code, "bad.ipxe") {
            let json = serde_json::to_value(&finding).unwrap();
            assert_eq!(json["code"], **code);
            assert_eq!(json["line"], finding.line);
            let read: LintFinding = serde_json::from_value(json).unwrap();
            assert_eq!(read, finding);
        }
    }
}

#[test]
fn a_severity_tells_what_fails_from_what_may() {
    let severities = |script: &str| -> Vec<Severity> {
        lint(script, &IpxeBuild::default()).iter().map(LintFinding::severity).collect()
    };
    assert_eq!(severities("#!ipxe\ngoto nowhere\n"), [Severity::Error]);
    assert_eq!(severities("#!ipxe\nchain a.ipxe\n"), [Severity::Warning]);
    assert!(Severity::Error > Severity::Warning);
}

fn codes(script: &str, build: &IpxeBuild) -> Vec<&'static str> {
    lint(script, build).iter().map(|finding| finding.kind.code()).collect()
}

#[test]
fn a_server_called_ipxe_is_not_taken_for_a_program_that_needs_no_initrd() {
    let script = "#!ipxe\nimgfree\nkernel http://ipxe.example.org/wimboot/NAME quiet || exit 1\n\
                  initrd --name initrd initrd || exit 1\nboot || exit 1\n";
    let codes = |name| codes(&script.replace("NAME", name), &IpxeBuild::default());
    assert_eq!(codes("vmlinuz"), ["initrd-not-loaded"]);
    assert_eq!(codes("vmlinuz?by=ipxe/xen"), ["initrd-not-loaded"]);
    assert_eq!(codes("wimboot"), [""; 0]);
}

#[test]
fn what_imgfetch_fetches_has_to_be_verified_as_well() {
    let build = build_of(b"#!ipxe\n# build: verifying\n");
    let script = "#!ipxe\nimgfree\nimgtrust || exit 1\n\
                  kernel --name vmlinuz vmlinuz || exit 1\nimgverify vmlinuz v.sig || exit 1\n\
                  imgfetch --name more more || exit 1\nNEXT\nboot || exit 1\n";
    let codes = |next| codes(&script.replace("NEXT", next), &build);
    assert_eq!(codes("echo on"), ["unverified-image"]);
    assert_eq!(codes("imgverify more m.sig || exit 1"), [""; 0]);
    assert_eq!(codes("imgfree more"), [""; 0]);
}

#[test]
fn a_form_sets_what_is_typed_into_its_items() {
    let build: IpxeBuild = "sid-efi".parse().unwrap();
    let form = "#!ipxe\nform Who\nitem my-name Name\npresent || exit 1\n";
    assert_eq!(codes(&format!("{form}echo ${{my-name}}\n"), &build), [""; 0]);
    assert_eq!(codes(&format!("{form}echo ${{my-nam}}\n"), &build), ["never-set"]);
}

#[test]
fn a_disk_that_does_not_boot_is_told_of() {
    let codes = |script| codes(script, &IpxeBuild::default());
    assert_eq!(codes("#!ipxe\nsanboot --drive 0x80\n"), ["unhandled-failure"]);
    assert_eq!(codes("#!ipxe\nsanboot --drive 0x80 || echo no disk\n"), [""; 0]);
}

#[test]
fn only_a_bios_has_so_small_a_stack() {
    let script = fs::read_to_string(directory().join("too-many-words/bad.ipxe")).unwrap();
    for build in IpxeBuild::all() {
        let expected: &[&str] =
            if build.runs_on(Platform::Bios) { &["too-many-words"] } else { &[] };
        assert_eq!(codes(&script, &build), expected, "{build}");
    }
}

#[test]
fn a_closure_needs_a_source_that_the_build_knows() {
    let digest = "5f2b8e3f0c0d4f3a9c7e6b5a49382716051423324150697887960a1b2c3d4e5f";
    let codes_of = |build: &str, command: &str, parameters: &str| {
        let script = format!(
            "#!ipxe\nimgfree\nkernel --name k k {} || exit 1\n{command}boot || exit 1\n",
            parameters.replace("DIGEST", digest)
        );
        codes(&script.replace("DIGEST", digest), &build.parse().unwrap())
    };
    let by_directory = "BOOTIF=01-x netboot.from=${cwduri}../../../ netboot.index=DIGEST";
    assert_eq!(codes_of("trixie", "", by_directory), [""; 0]);
    assert_eq!(
        codes_of("bookworm", "", by_directory),
        ["missing-setting", "closure-without-source"]
    );
    // A mirror is enough, but not one that stage 1 cannot fetch from.
    let mirror = by_directory.replace("DIGEST", "DIGEST netboot.from=MIRROR");
    let with = |url: &str| mirror.replace("MIRROR", url);
    assert_eq!(codes_of("bookworm", "", &with("http://a.example/")), ["missing-setting"]);
    let of_https = codes_of("bookworm", "", &with("https://a.example/"));
    assert_eq!(of_https, ["missing-setting", "closure-without-source", "unusable-closure-source"]);
    assert_eq!(codes_of("sid", "", &with("../")), ["unusable-closure-source"]);

    // The parameters of a machine may have what is missing.
    let machine = "set mine a=b\nkernel --name k k netboot.index=DIGEST ${mine} || exit 1\n";
    assert_eq!(codes_of("bookworm", machine, "quiet"), [""; 0]);
    // The last index counts, and `imgargs` replaces the whole command line.
    let two = "BOOTIF=01-x netboot.from=http://a/ netboot.index=zz netboot.index=DIGEST";
    assert_eq!(codes_of("bookworm", "", two), [""; 0]);
    let later = "imgargs k netboot.index=DIGEST || exit 1\n";
    let missing = ["closure-without-source", "closure-without-card"];
    assert_eq!(codes_of("bookworm", later, two), missing);
    assert_eq!(codes_of("bookworm", "", "netboot.store=zram netboot.indexed=1"), [""; 0]);
}
