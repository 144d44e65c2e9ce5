//! Configurations that cannot be built.

use std::time::Duration;

use netboot_core::{Builder, Context};
use netboot_nix::Error;
use netboot_testbed::with_enough_time;

use crate::causes::scene::{
    NOWHERE, builds, error_of, error_of_kernel, flake, kernel_is_built, with_kernel,
};
use crate::place::{NixVersion, Place, WITH_INIT, least_configuration, profile, read};

/// A builder that first prints 30 lines.
fn prints(then: &str) -> String {
    let lines = "i=1; while [ $i -le 30 ]; do echo line $i; i=$((i+1)); done";
    format!(r#"{{ args = [ "-c" "{lines}; {then}" ]; }}"#)
}

/// Checks that the error names the derivation and has the last of the 30 lines, and that the log
/// has all lines.
fn assert_log(error: &Error) {
    assert!(error.derivation().unwrap().ends_with("-odd.drv"), "{error:?}");
    let last: Vec<String> = (11..=30).map(|line| format!("line {line}")).collect();
    assert_eq!(error.last_lines(), last);
    let log = read(error.build_log().unwrap());
    for line in 1..=30 {
        assert!(log.contains(&format!("line {line}\n")), "{line}: {log}");
    }
}

pub(crate) async fn the_system_is_another(nix: NixVersion) {
    let (error, _place) = error_of_kernel(nix, r#"{ system = "riscv64-linux"; }"#, "").await;
    let Error::UnsupportedSystem { derivation, required, .. } = &error else { panic!("{error:?}") };
    assert!(derivation.ends_with("-odd.drv"), "{derivation}");
    assert_eq!(required, "a riscv64-linux");
    let settings = "extra-platforms = riscv64-linux";
    kernel_is_built(nix, r#"{ system = "riscv64-linux"; }"#, settings).await;
}

pub(crate) async fn a_system_feature_is_missing(nix: NixVersion) {
    let attributes = r#"{ requiredSystemFeatures = [ "teapot" ]; }"#;
    let (error, _place) = error_of_kernel(nix, attributes, "").await;
    let Error::UnsupportedSystem { required, .. } = &error else { panic!("{error:?}") };
    assert!(required.ends_with("the features teapot"), "{required}");
}

/// The error of a build on a machine that may not build, with this line in nix.conf.
async fn error_without_jobs(nix: NixVersion, line: &str) -> (Option<String>, String) {
    let place = Place::of(nix);
    let settings = place.settings(&format!("max-jobs = 0\n{line}"));
    let builder = place.builder(&flake(&place, &with_kernel("{ }")));
    let error = error_of(builder.environment("NIX_CONFIG", settings)).await;
    let Error::NoBuilder { derivation, message, .. } = error else { panic!("{error:?}") };
    (derivation, message.into())
}

pub(crate) async fn nothing_may_be_built_here(nix: NixVersion) {
    let (derivation, message) = error_without_jobs(nix, "builders =").await;
    assert!(message.contains("max-jobs"), "{message}");
    // Older versions of Nix do not name the derivation.
    assert_eq!(derivation.is_some(), nix == NixVersion::V2_34, "{derivation:?}");
    let place = Place::of(nix);
    let flake = flake(&place, &least_configuration("x", WITH_INIT, "{ }"));
    let settings = place.settings("max-jobs = 1\nbuilders =");
    builds(place.builder(&flake).environment("NIX_CONFIG", settings)).await;
}

/// The state of Debian's `nix-bin` alone, for root.
pub(crate) async fn there_are_no_users_to_build_as(nix: NixVersion) {
    let place = Place::of(nix);
    let flake = flake(&place, &least_configuration("x", WITH_INIT, "{ }"));
    let is_root = rustix::process::geteuid().is_root();
    let as_root = if is_root { "" } else { "unshare -Ur" };
    place.nix_script("nix-store", &format!("exec {as_root} $real \"$@\""));
    let settings = place.settings("build-users-group = netboot-no-such-group");
    let error =
        error_of(place.builder_with_programs(&flake).environment("NIX_CONFIG", settings)).await;
    let Error::NoBuilder { message, .. } = &error else { panic!("{error:?}") };
    assert!(message.contains("netboot-no-such-group"), "{message}");
    assert!(error.hint().unwrap().contains("nix-setup-systemd"), "{:?}", error.hint());
    let settings = place.settings("build-users-group = netboot-no-such-group\nbuild-users-group =");
    builds(place.builder_with_programs(&flake).environment("NIX_CONFIG", settings)).await;
}

pub(crate) async fn no_other_machine_can_be_reached(nix: NixVersion) {
    let machine = "ssh-ng://nowhere.invalid";
    let (_, message) = error_without_jobs(nix, &format!("builders = {machine} x86_64-linux")).await;
    assert!(message.contains(&format!("cannot build on '{machine}'")), "{message}");
}

pub(crate) async fn a_builder_fails(nix: NixVersion) {
    let (error, _place) = error_of_kernel(nix, &prints("exit 3"), "").await;
    assert_log(&error);
    let Error::BuildFailed { reason, .. } = &error else { panic!("{error:?}") };
    assert_eq!(reason.as_deref(), Some("exit code 3"));
    assert!(error.hint().unwrap().contains("-failed.log`, and correct"), "{:?}", error.hint());
    kernel_is_built(nix, &prints("echo x > $out"), "").await;
}

pub(crate) async fn a_builder_is_killed(nix: NixVersion) {
    let (error, _place) = error_of_kernel(nix, &prints("kill -9 $$"), "").await;
    assert_log(&error);
    let Error::BuildFailed { reason, .. } = &error else { panic!("{error:?}") };
    assert_eq!(reason.as_deref(), Some("signal 9 (Killed)"));
    assert!(error.hint().unwrap().contains("memory"), "{:?}", error.hint());
}

pub(crate) async fn a_builder_makes_nothing(nix: NixVersion) {
    let (error, _place) = error_of_kernel(nix, &prints("exit 0"), "").await;
    assert_log(&error);
    let Error::BuildFailed { reason, .. } = &error else { panic!("{error:?}") };
    assert_eq!(reason.as_deref(), Some("it made no output"));
}

pub(crate) async fn a_builder_cannot_download(nix: NixVersion) {
    let url = format!("{NOWHERE}/linux.tar.xz");
    let attributes = format!(
        r#"{{ system = "builtin"; builder = "builtin:fetchurl"; url = "{url}"; urls = [ "{url}" ];
             unpack = false; executable = false; {} }}"#,
        fixed_output()
    );
    let (error, _place) = error_of_kernel(nix, &attributes, "").await;
    let Error::BuildFailed { last_lines, .. } = &error else { panic!("{error:?}") };
    assert!(last_lines.iter().any(|line| line.contains(&url)), "{last_lines:?}");
    assert!(error.hint().unwrap().contains("network"), "{:?}", error.hint());
    let place = Place::of(nix);
    let file = place.path().join("linux.tar.xz");
    std::fs::write(&file, "x").unwrap();
    let hash = place.command("nix").args(["hash", "file", file.to_str().unwrap()]).output();
    let hash = String::from_utf8(hash.unwrap().stdout).unwrap();
    let attributes = attributes
        .replace(&url, &format!("file://{}", file.display()))
        .replace(&"0".repeat(52), hash.trim());
    kernel_is_built(nix, &attributes, "").await;
}

fn fixed_output() -> &'static str {
    r#"outputHash = "0000000000000000000000000000000000000000000000000000";
       outputHashAlgo = "sha256"; outputHashMode = "flat";"#
}

pub(crate) async fn a_dependency_fails(nix: NixVersion) {
    let inner = format!(
        r#"derivation ({{ name = "inner"; system = "x86_64-linux"; builder = "/bin/sh"; }} // {})"#,
        prints("exit 5")
    );
    let (error, _place) = error_of_kernel(nix, &format!("{{ inner = {inner}; }}"), "").await;
    let Error::BuildFailed { derivation, last_lines, .. } = &error else { panic!("{error:?}") };
    assert!(derivation.ends_with("-inner.drv"), "{derivation}");
    assert_eq!(last_lines.last().unwrap(), "line 30");
}

pub(crate) async fn a_hash_is_another(nix: NixVersion) {
    let attributes = format!("{} // {{ {} }}", prints("echo x > $out"), fixed_output());
    let (error, _place) = error_of_kernel(nix, &attributes, "").await;
    assert_log(&error);
    let Error::HashMismatch { specified, found, .. } = &error else { panic!("{error:?}") };
    assert_eq!(specified, "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    assert!(found.starts_with("sha256-") && found != specified, "{found}");
    assert!(error.hint().unwrap().contains(found), "{:?}", error.hint());
    let right = attributes.replace(&"0".repeat(52), found);
    kernel_is_built(nix, &right, "").await;
}

pub(crate) async fn a_build_takes_too_long(nix: NixVersion) {
    times_out(nix, "timeout = 1").await;
}

pub(crate) async fn a_build_is_silent_for_too_long(nix: NixVersion) {
    times_out(nix, "max-silent-time = 1").await;
}

async fn times_out(nix: NixVersion, setting: &str) {
    // The builder of a busy machine may need longer for its first lines.
    let build = async |limit: Duration| {
        let setting = setting.replace('1', &limit.as_secs().to_string());
        error_of_kernel(nix, &prints("exec /bin/sleep 3000"), &setting).await
    };
    let has_printed =
        |(error, _): &(Error, Place)| error.last_lines().iter().any(|line| line == "line 30");
    let ((error, _place), limit) =
        with_enough_time(Duration::from_secs(1), build, has_printed).await;
    assert_log(&error);
    let Error::TimedOut { message, .. } = &error else { panic!("{error:?}") };
    let told = format!("timed out after {} seconds", limit.as_secs());
    assert!(message.contains(&told), "{message}");
    let slow = prints("/bin/sleep 2; echo x > $out");
    let (error, _place) = error_of_kernel(nix, &slow, setting).await;
    assert!(matches!(error, Error::TimedOut { .. }), "{error:?}");
    kernel_is_built(nix, &slow, &setting.replace('1', "600")).await;
}

pub(crate) async fn a_derivation_was_collected(nix: NixVersion) {
    let place = Place::of(nix);
    let flake = flake(&place, &least_configuration("x", WITH_INIT, "{ }"));
    let collect = "$real --gc > /dev/null 2>&1";
    // If it happens once, Netboot evaluates again and builds.
    let mark = place.path().join("collected").display().to_string();
    let once = format!("[ -e {mark} ] || {{ echo > {mark}; {collect}; }}; exec $real \"$@\"");
    place.nix_script("nix-store", &once);
    let builder = place.builder_with_programs(&flake).build().unwrap();
    builder.build(&profile("x"), &Context::new()).await.unwrap();
    assert!(std::path::Path::new(&mark).exists());
    // Now it happens every time.
    let place = Place::of(nix);
    let flake = crate::causes::scene::flake(&place, &least_configuration("x", WITH_INIT, "{ }"));
    place.nix_script("nix-store", &format!("{collect}; exec $real \"$@\""));
    let error = error_of(place.builder_with_programs(&flake)).await;
    let Error::DerivationCollected { derivation } = &error else { panic!("{error:?}") };
    assert!(derivation.ends_with("-initrd-x.drv"), "{derivation}");
    assert!(error.hint().unwrap().ends_with("then build again"), "{:?}", error.hint());
    builds(place.builder(&flake)).await;
}
