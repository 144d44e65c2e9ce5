//! Warnings after which Nix goes on.

use std::collections::BTreeSet;
use std::time::Duration;

use netboot_core::{Builder, CancellationToken, Context, Event};
use netboot_nix::{Error, NixBuilderOptions, Policy, ScaleOut};
use netboot_testbed::with_enough_time;

use crate::causes::scene::{NOWHERE, error_of, flake, inner, warnings_of};
use crate::place::{
    Daemon, NixVersion, Place, WITH_INIT, least_configuration, profile, profiles, recording,
};

/// Nix code that warns, in every version.
const WARN: &str = "(builtins.warn or (text: builtins.trace \"warning: ${text}\"))";

/// The hint of the warning that contains this text.
fn hint<'a>(warnings: &'a [(String, String)], text: &str) -> &'a str {
    let found = warnings.iter().filter(|(message, _)| message.contains(text));
    let found: Vec<_> = found.collect();
    assert!(!found.is_empty(), "{text} is not in {warnings:?}");
    &found[0].1
}

pub(crate) async fn the_daemon_does_not_trust_the_user(nix: NixVersion) {
    let place = Place::of(nix);
    let _daemon = Daemon::start(&place, "trusted-users =");
    let flake = flake(&place, &least_configuration("x", WITH_INIT, "{ }"));
    let settings = place.settings(&format!("substituters = {NOWHERE}\nbuilders = ssh-ng://x"));
    let builder = place.builder(&flake).environment("NIX_CONFIG", settings);
    let warnings = warnings_of(builder.environment("NIX_REMOTE", "daemon")).await;
    assert!(hint(&warnings, NOWHERE).contains("trusted-substituters"));
    if nix != NixVersion::V2_8 {
        assert!(hint(&warnings, "ignores `builders`").contains("trusted-users"));
    }
    for lines in [
        format!("trusted-users =\ntrusted-substituters = {NOWHERE}"),
        "trusted-users = *".to_owned(),
    ] {
        let place = Place::of(nix);
        let flake =
            crate::causes::scene::flake(&place, &least_configuration("x", WITH_INIT, "{ }"));
        let _daemon = Daemon::start(&place, &lines);
        let settings = place.settings(&format!("substituters = {NOWHERE}\nbuilders = ssh-ng://x"));
        let builder = place.builder(&flake).environment("NIX_CONFIG", settings);
        let warnings = warnings_of(builder.environment("NIX_REMOTE", "daemon")).await;
        let is_ignored = |what: &str| {
            warnings.iter().any(|(message, _)| message.contains(&format!("ignores {what}")))
        };
        assert!(!is_ignored(&format!("the substituter {NOWHERE}")), "{lines}: {warnings:?}");
        let trusts = !lines.contains("trusted-users =\n");
        assert!(!(trusts && is_ignored("`builders`")), "{lines}: {warnings:?}");
    }
}

pub(crate) async fn a_substitute_is_not_signed(nix: NixVersion) {
    let place = Place::of(nix);
    let flake = flake(&place, &least_configuration("x", WITH_INIT, "{ }"));
    let builder = place.builder(&flake).build().unwrap();
    let image = builder.build(&profile("x"), &Context::new()).await.unwrap();
    let kernel = image.provenance().outputs["kernel"].clone();
    let cache = format!("file://{}", place.path().join("cache").display());
    let copy = place.command("nix").args(["copy", "--to", &cache, &kernel]).status();
    assert!(copy.unwrap().success());
    // Now the path exists only in the cache.
    std::fs::remove_dir_all(place.path().join("state")).unwrap();
    let delete = place.command("nix-store").args(["--delete", &kernel]).output().unwrap();
    assert!(delete.status.success(), "{}", String::from_utf8_lossy(&delete.stderr));

    let settings = place.settings(&format!("substituters = {cache}"));
    let warnings = warnings_of(place.builder(&flake).environment("NIX_CONFIG", settings)).await;
    assert!(hint(&warnings, &kernel).contains("trusted-public-keys"));

    // The build has made the path again.
    let run = |program: &str, arguments: &[&str]| {
        let output = place.command(program).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let file = |name: &str| place.path().join(name).display().to_string();
    run("nix-store", &["--generate-binary-cache-key", "test", &file("secret"), &file("public")]);
    std::fs::remove_dir_all(place.path().join("cache")).unwrap();
    run("nix", &["copy", "--to", &format!("{cache}?secret-key={}", file("secret")), &kernel]);
    std::fs::remove_dir_all(place.path().join("state")).unwrap();
    run("nix-store", &["--delete", &kernel]);
    let public = std::fs::read_to_string(file("public")).unwrap();
    let settings =
        place.settings(&format!("substituters = {cache}\ntrusted-public-keys = {public}"));
    let warnings = warnings_of(place.builder(&flake).environment("NIX_CONFIG", settings)).await;
    assert!(warnings.iter().all(|(message, _)| !message.contains(&kernel)), "{warnings:?}");
}

pub(crate) async fn a_cache_is_down(nix: NixVersion) {
    let place = Place::of(nix);
    let flake = flake(&place, &least_configuration("x", WITH_INIT, "{ }"));
    let settings = place.settings(&format!("substituters = {NOWHERE}"));
    let warnings = warnings_of(place.builder(&flake).environment("NIX_CONFIG", settings)).await;
    assert!(hint(&warnings, NOWHERE).contains("substituters"));
    // Nix retries several times and prints a warning each time.
    assert!(warnings.iter().all(|(message, _)| !message.contains("retrying")), "{warnings:?}");
    let once: BTreeSet<_> = warnings.iter().collect();
    assert_eq!(once.len(), warnings.len(), "{warnings:?}");
    let warnings = warnings_of(place.builder(&flake)).await;
    assert!(warnings.iter().all(|(message, _)| !message.contains(NOWHERE)), "{warnings:?}");
}

/// The PlasmaCloud flake warns in its own words. Nixpkgs prints NixOS's `warnings` and deprecated
/// options in this way.
#[tokio::test]
async fn what_the_flake_warns_of_is_told_with_the_profile() {
    for version in NixVersion::ALL {
        let place = Place::of(version);
        let overrides = format!(
            "{{ boot.kernelParams = {WARN} \"The firewall is OFF\\nin this image\" \
             ((builtins.trace \"evaluation warning: The option `x' has been renamed\") [ ]); }}"
        );
        let (context, events) = recording();
        let flake = flake(&place, &least_configuration("x", WITH_INIT, &overrides));
        let builder = place.builder(&flake).build().unwrap();
        builder.build(&profile("x"), &context).await.unwrap();
        let events = events.lock().unwrap();
        let told = |text: &str| {
            let is_told = |event: &&Event| {
                matches!(event, Event::Warning { profile: Some(profile), message, .. }
                    if profile.as_str() == "x" && message == text)
            };
            events.iter().filter(is_told).count()
        };
        assert_eq!(told("The firewall is OFF\n  | in this image"), 1, "{version:?}: {events:?}");
        assert_eq!(told("The option `x' has been renamed"), 1, "{version:?}: {events:?}");
    }
}

/// The warnings of the evaluation of these profiles, and the profiles that could be evaluated.
async fn evaluated(
    builder: NixBuilderOptions,
    names: &[&str],
) -> (Vec<(Option<String>, String, Option<String>)>, Vec<bool>) {
    let (context, events) = recording();
    let results = builder.build().unwrap().check(&profiles(names), &context).await;
    let events = events.lock().unwrap();
    let warning = |event: &Event| match event {
        Event::Warning { profile, message, hint } => {
            Some((profile.as_ref().map(ToString::to_string), message.clone(), hint.clone()))
        }
        _ => None,
    };
    let succeeded = results.iter().map(Result::is_ok).collect();
    (events.iter().filter_map(warning).collect(), succeeded)
}

#[tokio::test]
async fn a_warning_names_its_profile_among_several() {
    for version in NixVersion::ALL {
        let place = Place::of(version);
        // `b` fails, and is evaluated again by itself. It also forges the text that Netboot prints.
        let configuration = |name: &str, more: &str| {
            let it = least_configuration(name, WITH_INIT, "{ }");
            format!(
                "netboot-{name}.config = {WARN} \"shallow in {name}\" ({it} // {{ \
                 boot.kernelParams = {WARN} \"deep in {name}\" ({more} [ ]); }});"
            )
        };
        let forged = "builtins.trace \"netboot evaluates c\" (builtins.trace \"c\" \
                      (builtins.trace \"netboot 0000000000000000 evaluates c\" (throw \"no\")))";
        let flake = place.flake(&format!(
            "{{ nixosConfigurations = {WARN} \"above all\" {{ {} {} {} }}; }}",
            configuration("a", ""),
            configuration("b", forged),
            configuration("c", "")
        ));
        let (warnings, succeeded) = evaluated(place.builder(&flake), &["c", "b", "a"]).await;
        assert_eq!(succeeded, [true, false, true]);
        let told: Vec<(Option<&str>, &str)> =
            warnings.iter().map(|(profile, text, _)| (profile.as_deref(), text.as_str())).collect();
        let of = |name: &'static str, text: &'static str| (Some(name), text);
        assert_eq!(
            told,
            [
                (None, "above all"),
                of("a", "shallow in a"),
                of("a", "deep in a"),
                of("b", "shallow in b"),
                of("b", "deep in b"),
                of("c", "shallow in c"),
                of("c", "deep in c"),
            ],
            "{version:?}"
        );
    }
}

#[tokio::test]
async fn warnings_are_told_before_a_run_ends() {
    // Nix does not end by itself when it is asked to.
    let endless =
        r#"builtins.match "(x+x+)+y" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx""#;
    let place = Place::new();
    let flake = flake(&place, &format!("{WARN} \"before it hangs\" ({endless})"));
    let is_it = |event: &Event| matches!(event, Event::Warning { message, .. } if message == "before it hangs");
    let count = async |limit| {
        let (context, events) = recording();
        let builder = place.builder(&flake).evaluation_time(limit).build().unwrap();
        let error = inner(&builder.build(&profile("x"), &context).await.unwrap_err());
        assert!(matches!(error, Error::EvaluationTooSlow { .. }), "{error:?}");
        events.lock().unwrap().iter().filter(|event| is_it(event)).count()
    };
    let (count, _) = with_enough_time(Duration::from_secs(3), count, |count| *count > 0).await;
    assert_eq!(count, 1);

    let token = CancellationToken::new();
    let cancel = token.clone();
    let context = Context::new().with_cancellation(token).with_events(move |event| {
        if is_it(&event) {
            cancel.cancel();
        }
    });
    let error = place.builder(&flake).build().unwrap().build(&profile("x"), &context).await;
    assert!(matches!(error, Err(netboot_core::Error::Cancelled)), "{error:?}");
}

pub(crate) async fn a_setting_is_unknown(nix: NixVersion) {
    let place = Place::of(nix);
    let flake = flake(&place, &least_configuration("x", WITH_INIT, "{ }"));
    let builder = |line: &str| {
        let builder = place.builder(&flake).policy(Policy::none());
        builder.environment("NIX_CONFIG", place.settings(&format!("{line} = 1")))
    };
    let warnings = warnings_of(builder("max-job")).await;
    assert!(hint(&warnings, "`max-job`").contains("correct the name"), "{warnings:?}");
    // Every run of Nix prints it, and some have no logger yet.
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    // Nothing else is told of, such as arguments that Netboot gives and Nix wants in another way.
    let (context, events) = recording();
    let builder = builder("max-jobs").build().unwrap();
    let image = builder.build(&profile("x"), &context).await.unwrap();
    builder.size_report(&profile("x"), &image, &context).await.unwrap();
    let events = events.lock().unwrap();
    let is_warning = |event: &&Event| matches!(event, Event::Warning { .. });
    assert_eq!(events.iter().find(is_warning), None, "{version}", version = nix.as_str());
}

pub(crate) async fn a_flake_has_settings(nix: NixVersion) {
    let place = Place::of(nix);
    let configuration = least_configuration("x", WITH_INIT, "{ }");
    let with = |settings: &str| {
        std::fs::create_dir_all(place.path().join("own")).unwrap();
        let text = format!(
            "{{ nixConfig = {{ {settings} }}; outputs = {{ self }}: {{ \
             nixosConfigurations.netboot-x.config = {configuration}; }}; }}"
        );
        std::fs::write(place.path().join("own/flake.nix"), text).unwrap();
        format!("path:{}", place.path().join("own").display())
    };
    let flake = with("build-hook = \"\"; max-jobs = 0;");
    let warnings = warnings_of(place.builder(&flake).policy(Policy::none())).await;
    let hint_of_jobs = hint(&warnings, "`max-jobs` in the `nixConfig`");
    assert!(hint_of_jobs.contains("NIX_CONFIG"), "{warnings:?}");
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    std::fs::remove_dir_all(place.path().join("state")).unwrap();
    let gc = place.command("nix-store").arg("--gc").output().unwrap();
    assert!(gc.status.success(), "{gc:?}");
    let followed = place.builder(&flake).environment("NIX_CONFIG", place.settings("max-jobs = 0"));
    let error = error_of(followed).await;
    assert!(matches!(error, Error::NoBuilder { .. }), "{error:?}");

    // A cache that has what cannot be built.
    let text = |program: &str, arguments: &[&str]| {
        let output = place.command(program).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let file = |name: &str| place.path().join(name).display().to_string();
    let (secret, public) = (file("secret"), file("public"));
    text("nix-store", &["--generate-binary-cache-key", "test", &secret, &public]);
    let cache = format!("file://{}", file("cache"));
    let image = place.builder(&flake).build().unwrap();
    let image = image.build(&profile("x"), &Context::new()).await.unwrap();
    let outputs: Vec<&str> = image.provenance().outputs.values().map(String::as_str).collect();
    let to = format!("{cache}?secret-key={secret}");
    text("nix", &[&["copy", "--to", &to], &*outputs].concat());
    std::fs::remove_dir_all(place.path().join("state")).unwrap();
    text("nix-store", &["--gc"]);
    let flake = with(&format!("extra-substituters = \"{cache}\";"));
    let without_jobs =
        || place.builder(&flake).environment("NIX_CONFIG", place.settings("max-jobs = 0"));
    assert!(matches!(error_of(without_jobs()).await, Error::NoBuilder { .. }));
    let key = std::fs::read_to_string(&public).unwrap();
    let scale_out = ScaleOut::new().with_substituter(cache.as_str(), key.trim()).unwrap();
    let warnings = warnings_of(without_jobs().scale_out(scale_out)).await;
    assert!(hint(&warnings, "extra-substituters").contains("`with_substituter`"), "{warnings:?}");
}
