//! The causes of large images, and files that are too large.

use std::error::Error as _;

use netboot_core::{Builder, Context, Event, PrebuiltBuilder, PrebuiltImage, ProfileSpec};
use netboot_nix::Error;

/// The limit of a file's size in a cpio archive, which has 8 hexadecimal digits.
const INITRD_FILE_LIMIT: u64 = 1 << 32;

use crate::place::{Place, WITH_INIT, least_configuration, recording};

/// A configuration with a system that needs these derivations.
fn needing(packages: &str) -> String {
    let least = least_configuration("x", WITH_INIT, "{ }");
    let with_packages = r#"; echo "$packages" > "$out/packages""#;
    let least = least.replacen(
        r#"echo init > "$out/init""#,
        &format!(r#"echo init > "$out/init"{with_packages}"#),
        1,
    );
    // The system is the first derivation in the text.
    let least = least.replacen(
        "(let system_ = derivation {",
        "(let system_ = derivation { inherit packages;",
        1,
    );
    format!(
        r#"(let
          busybox = "{}";
          package = name: size: needs: derivation {{
            inherit name needs; system = "x86_64-linux"; builder = busybox;
            args = [ "sh" "-e" "-c" ''${{busybox}} mkdir $out; echo $needs > $out/needs; ${{busybox}} truncate -s ${{size}} $out/file'' ];
          }};
          packages = {packages};
        in {least})"#,
        netboot_testbed::Testbed::locate().busybox().display()
    )
}

fn profile(budget: u64) -> ProfileSpec {
    let text = format!("[[profiles]]\nname = \"x\"\nsize-budget = {budget}\n");
    ProfileSpec::parse_toml(&text, "profiles.toml").unwrap().remove(0)
}

#[tokio::test]
async fn a_report_says_how_large_each_path_is_and_who_brings_it_in() {
    let place = Place::new();
    let configuration = needing(
        r#"let python = package "python3-3.11" "5000000" [ ]; in
           [ (package "tool-1.0" "1000" [ (package "library-2.0" "2000000" [ python ]) ])
             (package "python3-3.12" "6000000" [ ]) ]"#,
    );
    let flake =
        place.flake(&format!("{{ nixosConfigurations.netboot-x.config = {configuration}; }}"));
    let builder = place.builder(&flake).build().unwrap();
    let profile = profile(1000);
    let (context, events) = recording();
    let image = builder.build(&profile, &context).await.unwrap();
    let report = builder.size_report(&profile, &image, &context).await.unwrap();

    assert!(report.is_over_budget());
    assert_eq!(report.payload(), image.payload_size());
    let names: Vec<&str> = report.paths.iter().map(netboot_nix::StorePathSize::name).collect();
    assert_eq!(names, ["python3-3.12", "python3-3.11", "library-2.0", "tool-1.0", "system-x"]);
    let python = &report.paths[1];
    assert!((5_000_000..5_001_000).contains(&python.own_size), "{python:?}");
    let chain: Vec<&str> = python.chain.iter().map(|path| &path[path.len() - 9..]).collect();
    assert_eq!(chain.len(), 4, "{chain:?}");
    assert!(report.paths[2].closure_size > 7_000_000, "{:?}", report.paths[2]);
    assert_eq!(report.closure, report.paths.iter().map(|path| path.own_size).sum::<u64>());
    assert_eq!(report.duplicates.len(), 1);
    assert_eq!(report.duplicates[0].package, "python3");
    assert_eq!(report.duplicates[0].excess, python.own_size);

    let text = report.to_string();
    assert!(text.contains("python3-3.11 (tool-1.0 > library-2.0)"), "{text}");
    assert!(text.contains("several versions (3.11, 3.12): one saves 4.8 MiB"), "{text}");

    // The build warned of it, because the image is over its budget.
    let events = events.lock().unwrap();
    let warned = events.iter().any(|event| {
        matches!(event, Event::Warning { message, .. } if message.contains("python3-3.12 5.7 MiB"))
    });
    assert!(warned, "{events:?}");
}

#[tokio::test]
async fn a_file_that_no_initrd_can_hold_is_an_error() {
    let place = Place::new();
    let configuration = needing(&format!(r#"[ (package "huge-1" "{INITRD_FILE_LIMIT}" [ ]) ]"#));
    let flake =
        place.flake(&format!("{{ nixosConfigurations.netboot-x.config = {configuration}; }}"));
    let builder = place.builder(&flake).build().unwrap();
    let error = builder.build(&profile(1 << 40), &Context::new()).await.unwrap_err();
    assert!(error.hint().unwrap().contains("4 GiB"), "{:?}", error.hint());
    let inner = error.source().and_then(|source| source.downcast_ref::<Error>());
    let Some(Error::FileTooLarge { path, size, .. }) = inner else { panic!("{error:?}") };
    assert!(path.ends_with("file") && *size == INITRD_FILE_LIMIT, "{}", path.display());
    let init = "echo '#!' > root/init; busybox chmod 755 root/init";
    let without = least_configuration("x", &format!("{init}; {WITH_INIT}"), "{ }");
    let flake = place.flake(&format!("{{ nixosConfigurations.netboot-x.config = {without}; }}"));
    let builder = place.builder(&flake).build().unwrap();
    let image = builder.build(&profile(1 << 40), &Context::new()).await.unwrap();

    // A report needs the store paths, which the image of another builder does not name.
    let file = |artifact: &dyn netboot_core::Artifact| artifact.local_path().unwrap().to_owned();
    let prebuilt = PrebuiltImage::files(
        file(image.kernel().as_ref()),
        [file(image.initrds()[0].as_ref())],
        image.boot().init().clone(),
        Vec::<&str>::new(),
    )
    .unwrap();
    let other = PrebuiltBuilder::new().with_image("x", prebuilt).unwrap();
    let other = other.build(&profile(1 << 40), &Context::new()).await.unwrap();
    let error = builder.size_report(&profile(1), &other, &Context::new()).await.unwrap_err();
    assert_eq!(error.hint().as_deref(), Some("build it with a `NixBuilder`"));
    builder.size_report(&profile(1), &image, &Context::new()).await.unwrap();
}
