//! Builds that a caller describes: mistakes are refused, and files keep everything.

use ipxe_script::{
    Error, ImageFormat, IpxeBuild, IpxeBuildBuilder, Platform, Protocol, Quirk, lint,
};

fn sid() -> IpxeBuild {
    "sid-efi".parse().unwrap()
}

/// The problem with a build.
fn problem(result: Result<IpxeBuild, Error>) -> String {
    let error = result.unwrap_err();
    assert!(error.hint().is_some(), "{error}");
    match error {
        Error::InvalidBuild { problem, .. } => problem,
        other => other.to_string(),
    }
}

#[test]
fn a_build_has_only_what_ipxe_can_have() {
    let problem = |change: fn(IpxeBuildBuilder) -> IpxeBuildBuilder| {
        problem(change(sid().customize("mine")).build())
    };
    assert_eq!(problem(|it| it.command("format")), "iPXE has no command `format`");
    let unknown = "iPXE's command `chain` has no option `--force`";
    assert_eq!(problem(|it| it.option("chain", "force")), unknown);
    assert_eq!(
        problem(|it| it.without_option("imgtrust", "allow")),
        "it has no command `imgtrust`"
    );
    let mine = sid().customize("mine").without_command("ntp").command("imgverify").build().unwrap();
    assert!(!mine.has_command("ntp") && mine.has_option("imgverify", "signer"));
    assert!(sid().has_command("ntp") && !sid().has_command("imgverify"));
}

#[test]
fn formats_protocols_and_quirks_come_and_go() {
    let bookworm = IpxeBuild::default();
    let mine = bookworm.customize("mine").without_quirk(Quirk::ReencodesUrls);
    let mine = mine.protocol(Protocol::Https).image_format(ImageFormat::Efi);
    let mine = mine.setting("site").build().unwrap();
    // A build without this quirk accepts a URL that a build of 2019 changes.
    let script = "#!ipxe\nchain https://a/b%2Fc?${site} || exit 1\n";
    assert_eq!(lint(script, &mine), []);
    let codes: Vec<&str> = lint(script, &bookworm).iter().map(|it| it.kind.code()).collect();
    assert_eq!(codes, ["missing-protocol", "reencoded-escape", "never-set"]);
    assert!(mine.has_image_format(ImageFormat::Efi));
    let back = mine.customize("back").without_image_format(ImageFormat::Efi);
    let back = back.without_protocol(Protocol::Https).quirk(Quirk::ReencodesUrls).build().unwrap();
    assert!(!back.has_image_format(ImageFormat::Efi) && !back.has_protocol(Protocol::Https));
    assert!(back.has_quirk(Quirk::ReencodesUrls) && !mine.has_quirk(Quirk::ReencodesUrls));
}

#[test]
fn a_name_is_one_word_and_no_other_builds() {
    for name in ["", "two words", "bookworm", "sid-efi", "ü", "line\nbreak"] {
        assert!(problem(sid().customize(name).build()).contains("its name"), "{name}");
        assert!(problem(IpxeBuild::common(name, IpxeBuild::all())).contains("its name"), "{name}");
    }
    assert!(problem(IpxeBuild::common("none", [])).contains("no build"));
}

#[test]
fn what_builds_have_in_common_is_in_a_file_as_it_is_in_memory() {
    let bookworm = || IpxeBuild::all().filter(|build| build.name().starts_with("bookworm-"));
    let common = IpxeBuild::common("site", bookworm().chain([sid()])).unwrap();
    assert!(common.runs_on(Platform::Bios) && common.has_quirk(Quirk::LoadsNamedInitrdsOnly));
    assert!(!common.has_command("poweroff") && common.has_command("imgfree"));
    for build in IpxeBuild::all().chain([common]) {
        let json = serde_json::to_string(&build).unwrap();
        assert_eq!(serde_json::from_str::<IpxeBuild>(&json).unwrap(), build);
    }
    let sid = serde_json::to_string(&sid().customize("mine").build().unwrap()).unwrap();
    for (from, to) in [("\"mine\"", "\"sid\""), ("\"chain\"", "\"chains\""), ("\"2.0\"", "\"3\"")] {
        assert!(serde_json::from_str::<IpxeBuild>(&sid.replace(from, to)).is_err(), "{to}");
    }
}

#[test]
fn the_hints_about_builds_can_be_followed() {
    let error = "bokworm".parse::<IpxeBuild>().unwrap_err();
    let hint = error.hint().unwrap();
    let names = hint.strip_prefix("choose one of: ").unwrap();
    assert!(names.split(", ").all(|name| name.parse::<IpxeBuild>().is_ok()), "{names}");

    let build = || IpxeBuild::default().customize("mine");
    let hint = build().command("imgtrusts").build().unwrap_err().hint().unwrap();
    assert!(
        hint.starts_with("name commands and options as the build itself prints them"),
        "{hint}"
    );
    assert!(build().command("imgtrust").build().unwrap().has_command("imgtrust"));
}
