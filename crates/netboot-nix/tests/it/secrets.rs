//! Secrets in what a configuration is built to.

use std::fs;
use std::process::Command;

use netboot_core::secret_scan::{SecretFinding, SecretKind, SecretPolicy};
use netboot_core::{Builder, CancellationToken, Context, Error, Event, Phase};
use netboot_nix::{BinaryCache, Policy, ScaleOut, Severity};
use netboot_testbed::{Testbed, tool};
use tempfile::TempDir;

use crate::place::{
    NixVersion, Place, STORE_IMAGE, WITH_INIT, least_configuration, profile, profiles, recording,
    with_nix_versions,
};

with_nix_versions! {
    a_key_in_etc_is_refused in [cases]
    a_token_in_the_environment_of_a_unit_is_refused in [cases]
    a_token_in_the_script_of_a_derivation_is_refused in [cases]
    a_key_that_only_store_contents_add_is_refused in [cases]
    a_flake_without_secrets_passes_and_is_scanned_once in [cases]
}

const WIREGUARD_KEY: &str = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=";

/// A token of GitHub that its owner has revoked and published.
fn token() -> String {
    ["ghp_", "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ", "0mLq17"].concat()
}

fn private_key() -> String {
    let directory = TempDir::new().unwrap();
    let key = directory.path().join("key");
    let made = Command::new(tool("ssh-keygen"))
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(&key)
        .status();
    assert!(made.unwrap().success());
    fs::read_to_string(key).unwrap()
}

/// A Nix string.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

/// A flake whose system refers to the derivations `inputs`.
fn flake(place: &Place, inputs: &str, fill: &str) -> String {
    flake_with(place, inputs, fill, "{ }")
}

/// The same flake with these values over those of its configuration, `it`.
fn flake_with(place: &Place, inputs: &str, fill: &str, overrides: &str) -> String {
    let least = least_configuration("x", fill, overrides);
    let init = r#"echo init > "$out/init""#;
    let with_inputs = format!(r#"{init}; echo "$inputs" > "$out/inputs""#);
    let least = least.replacen(init, &with_inputs, 1);
    let system = "(let system_ = derivation {";
    let least = least.replacen(system, &format!("{system} inherit inputs;"), 1);
    let busybox = Testbed::locate().busybox().display().to_string();
    place.flake(&format!(
        r#"let
          run = name: attributes: script: derivation ({{
            inherit name; system = "x86_64-linux"; builder = "{busybox}";
            args = [ "sh" "-e" "-c" "busybox() {{ {busybox} \"$@\"; }}; ${{script}}" ];
          }} // attributes);
          etc = name: text: run "etc-${{name}}" {{ inherit text; passAsFile = [ "text" ]; }}
            "busybox cp $textPath $out";
          unit = name: line: run "unit-${{name}}" {{ inherit line; }}
            "busybox mkdir $out; echo \"$line\" > $out/${{name}}";
          inputs = {inputs};
        in {{ nixosConfigurations.netboot-x.config = {least}; }}"#
    ))
}

/// Builds profile `x`, which must be refused. Returns the findings after a check that the secret
/// stands nowhere in what Netboot says or keeps.
async fn refused(place: &Place, flake: &str, secret: &str) -> Vec<SecretFinding> {
    let (context, events) = recording();
    let cache = place.path().join("cache");
    let url = format!("file://{}?compression=none", cache.display());
    let scale_out = ScaleOut::default().with_copy_to(BinaryCache::new(url).unwrap());
    let builder = place.builder(flake).scale_out(scale_out).build().unwrap();
    let error = builder.build(&profile("x"), &context).await.unwrap_err();
    let hint = error.hint().unwrap();
    assert!(hint.contains("systemd's credentials"), "{hint}");
    let events = events.lock().unwrap();
    let mut said = format!("{error}\n{error:?}\n{hint}\n");
    for event in events.iter() {
        said.extend([format!("{event:?}\n"), serde_json::to_string(event).unwrap()]);
    }
    for file in walkdir::WalkDir::new(place.path().join("state")) {
        let file = file.unwrap();
        if file.file_type().is_file() {
            said += &String::from_utf8_lossy(&fs::read(file.path()).unwrap());
        }
    }
    for line in secret.lines().filter(|line| line.len() > 20 && !line.starts_with("---")) {
        assert!(!said.contains(line), "the secret stands in:\n{said}");
    }
    assert!(!cache.exists(), "the outputs were sent to the binary cache");
    let Error::SecretsFound { findings, .. } = error else { panic!("{error:?}") };
    findings
}

/// The finding whose store path has this name.
fn of<'a>(findings: &'a [SecretFinding], name: &str) -> &'a SecretFinding {
    let found = findings.iter().find(|finding| finding.place.container.ends_with(name));
    found.unwrap_or_else(|| panic!("{name}: {findings:?}"))
}

mod cases {
    use super::*;

    pub(super) async fn a_key_in_etc_is_refused(version: NixVersion) {
        let (place, key) = (Place::of(version), private_key());
        let flake =
            flake(&place, &format!("[ (etc \"ssh-host-key\" {}) ]", quoted(&key)), WITH_INIT);
        let findings = refused(&place, &flake, &key).await;
        let finding = of(&findings, "-etc-ssh-host-key");
        assert_eq!((finding.place.file.as_str(), finding.secret.offset), ("", 0));
        assert_eq!(finding.secret.rule, "openssh-private-key");
        let chain: Vec<&str> = finding.chain.iter().map(|path| &path[path.len() - 8..]).collect();
        assert_eq!(chain, ["system-x", "host-key"], "{findings:?}");
    }

    pub(super) async fn a_token_in_the_environment_of_a_unit_is_refused(version: NixVersion) {
        let place = Place::of(version);
        let line = format!("Environment=\"TOKEN={}\"", token());
        let inputs = format!("[ (unit \"app.service\" {}) ]", quoted(&line));
        let flake = flake(&place, &inputs, WITH_INIT);
        let findings = refused(&place, &flake, &token()).await;
        let finding = of(&findings, "-unit-app.service");
        assert_eq!(finding.place.file, "app.service");
        assert_eq!(finding.secret.rule, "github-token");
    }

    /// The token is in no output.
    pub(super) async fn a_token_in_the_script_of_a_derivation_is_refused(version: NixVersion) {
        let place = Place::of(version);
        let script = format!("TOKEN={}; echo built > $out", token());
        let inputs = format!("[ (run \"fetched\" {{ }} {}) ]", quoted(&script));
        let flake = flake(&place, &inputs, WITH_INIT);
        let findings = refused(&place, &flake, &token()).await;
        let finding = of(&findings, "-fetched.drv");
        assert_eq!(findings.len(), 1, "{findings:?}");
        let chain: Vec<&str> = finding.chain.iter().map(|path| &path[path.len() - 11..]).collect();
        assert_eq!(chain, ["ystem-x.drv", "fetched.drv"], "{findings:?}");
    }

    /// The keys are in no derivation, and the system does not refer to them.
    pub(super) async fn a_key_that_only_store_contents_add_is_refused(version: NixVersion) {
        let place = Place::of(version);
        let (first, last) = WIREGUARD_KEY.split_at(20);
        let contents = format!(
            r#"{{ netboot.storeContents = let
              hidden = run "hidden" {{ }} "busybox mkdir -p $out/etc; last={last}
                echo \"PrivateKey = {first}$last\" > $out/etc/wg0.conf";
              outer = run "outer" {{ inherit hidden; }}
                "busybox mkdir $out; echo $hidden > $out/inner";
            in [ it.system.build.toplevel outer "${{outer}}/inner" ./vpn ]; }}"#
        );
        let flake = flake_with(&place, "[ ]", STORE_IMAGE, &contents);
        let vpn = place.path().join("own/vpn");
        fs::create_dir(&vpn).unwrap();
        fs::write(vpn.join("wg1.conf"), format!("PrivateKey = {WIREGUARD_KEY}\n")).unwrap();
        let findings = refused(&place, &flake, WIREGUARD_KEY).await;
        assert_eq!(findings.len(), 2, "{findings:?}");
        let finding = of(&findings, "-hidden");
        assert_eq!(finding.place.file, "etc/wg0.conf");
        let [option, outer, hidden] = finding.chain.as_slice() else { panic!("{findings:?}") };
        assert_eq!(option, "netboot.storeContents");
        assert!(outer.ends_with("-outer") && hidden.ends_with("-hidden"), "{findings:?}");
        let finding = of(&findings, "-vpn");
        assert_eq!((finding.place.file.as_str(), finding.chain.len()), ("wg1.conf", 2));
    }

    pub(super) async fn a_flake_without_secrets_passes_and_is_scanned_once(version: NixVersion) {
        let place = Place::of(version);
        let flake = place.test_flake();
        let scanned = async || {
            let builder = place.builder(&flake).build().unwrap();
            let (context, events) = recording();
            let images = builder.build_all(&profiles(&["worker", "control-plane"]), &context).await;
            assert!(images.iter().all(Result::is_ok), "{images:?}");
            let is_it = |event: &&Event| matches!(event, Event::Progress { phase, .. } if *phase == Phase::Scanning);
            events.lock().unwrap().iter().filter(is_it).count()
        };
        assert!(scanned().await >= 1);
        assert_eq!(scanned().await, 0, "the results were kept");
        // A damaged cache is left out.
        let cache = place.path().join("state/secret-scan.json");
        let whole = fs::read(&cache).unwrap();
        for damaged in [&whole[..whole.len() / 2], b"{}", b""] {
            fs::write(&cache, damaged).unwrap();
            assert!(scanned().await >= 1);
            assert_eq!(fs::read(&cache).unwrap(), whole);
        }
    }
}

#[tokio::test]
async fn a_source_of_a_derivation_is_scanned() {
    let place = Place::new();
    let flake = flake(&place, "[ (run \"built\" { } \"busybox sh ${./build.sh}\") ]", WITH_INIT);
    let script = format!("TOKEN={}\necho built > $out\n", token());
    fs::write(place.path().join("own/build.sh"), script).unwrap();
    let findings = refused(&place, &flake, &token()).await;
    assert_eq!(of(&findings, "-build.sh").chain.len(), 3, "{findings:?}");
}

#[tokio::test]
async fn a_key_that_only_the_initrd_has_is_refused() {
    let place = Place::new();
    let key = WIREGUARD_KEY;
    // The derivation has the key in two pieces.
    let (first, last) = key.split_at(20);
    let fill = format!(
        "{WITH_INIT}; busybox mkdir -p root/etc; last={last}; echo \"PrivateKey = {first}$last\" > root/etc/wg0.conf"
    );
    let flake = flake(&place, "[ ]", &fill);
    let findings = refused(&place, &flake, key).await;
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(of(&findings, "-initrd-x/initrd").place.file, "etc/wg0.conf");
}

#[tokio::test]
async fn a_store_image_of_unknown_contents_is_named() {
    let text = "a text that needs no store path";
    let is_named = async |overrides: &str| {
        let place = Place::new();
        let flake = flake_with(&place, "[ ]", STORE_IMAGE, overrides);
        let (context, events) = recording();
        place.builder(&flake).build().unwrap().build(&profile("x"), &context).await.unwrap();
        let is_it = |event: &Event| {
            let text = event.to_string();
            text.contains("nix-store.squashfs") && text.contains("not scanned")
        };
        events.lock().unwrap().iter().any(is_it)
    };
    let contents = |list: &str| format!("{{ netboot.storeContents = {list}; }}");
    assert!(!is_named(&contents("[ it.system.build.toplevel ]")).await);
    assert!(is_named("{ }").await);
    assert!(is_named(&contents(&format!("[ it.system.build.toplevel {text:?} ]"))).await);
}

#[tokio::test]
async fn a_token_that_a_builder_prints_is_refused_because_the_log_is_published() {
    let place = Place::new();
    let script = token().replacen("ghp_", "a=gh; echo \"$a\"p_", 1) + "; echo built > $out";
    let inputs = format!("[ (run \"chatty\" {{ }} {}) ]", quoted(&script));
    let builder = place.builder(&flake(&place, &inputs, WITH_INIT)).build().unwrap();
    let error = builder.build(&profile("x"), &Context::new()).await.unwrap_err();
    let Error::SecretsFound { findings, .. } = &error else { panic!("{error:?}") };
    assert!(findings[0].place.container.contains("/logs/"), "{findings:?}");
    assert!(!format!("{error:?}").contains(&token()));
}

#[tokio::test]
async fn the_policy_allows_lowers_and_ignores() {
    let place = Place::new();
    let line = format!("Environment=TOKEN={}", token());
    let inputs = format!("[ (unit \"app.service\" {}) ]", quoted(&line));
    let flake = flake(&place, &inputs, WITH_INIT);
    let build = async |policy: SecretPolicy| {
        let policy = Policy::default().with_secrets(policy);
        let builder = place.builder(&flake).policy(policy).build().unwrap();
        let (context, events) = recording();
        let built = builder.build(&profile("x"), &context).await.is_ok();
        let events = events.lock().unwrap();
        let texts = events.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        (built, texts.contains("unit-app.service/app.service` contains a token"))
    };
    let policy = SecretPolicy::default;
    let warn = policy().with_severity(SecretKind::Token, Severity::Warn);
    let allowed = policy()
        .with_allowed("github-token", "/**/*-unit-app.service{/**,.drv}", "revoked")
        .unwrap();
    let other = policy().with_allowed("github-token", "/**/*-other", "revoked").unwrap();
    assert_eq!(build(warn).await, (true, true));
    assert_eq!(build(allowed).await, (true, false));
    assert_eq!(build(SecretPolicy::none()).await, (true, false));
    assert_eq!(build(other).await, (false, false));
    let named = policy()
        .with_severity(SecretKind::Token, Severity::Ignore)
        .with_file("/**/app.service")
        .unwrap();
    assert_eq!(build(named).await, (false, false));
}

#[tokio::test]
async fn a_scan_is_cancelled() {
    let place = Place::new();
    let builder = place.builder(&place.test_flake()).build().unwrap();
    let token = CancellationToken::new();
    let cancel = token.clone();
    let context = Context::new().with_cancellation(token).with_events(move |event: Event| {
        if matches!(event, Event::PhaseStarted { phase: Phase::Scanning, .. }) {
            cancel.cancel();
        }
    });
    let error = builder.build(&profile("worker"), &context).await.unwrap_err();
    assert!(matches!(error, Error::Cancelled), "{error:?}");
}
