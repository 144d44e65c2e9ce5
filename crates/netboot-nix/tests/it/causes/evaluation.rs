//! Configurations that cannot be evaluated.

use std::fs;

use netboot_nix::{Error, EvaluationProblem, Overrides, Subject};

use crate::causes::scene::{
    assert_evaluated, error_of, error_of_code, error_of_kernel, flake, git, repository, with_kernel,
};
use crate::place::{NixVersion, Place, WITH_INIT, extensible, least_configuration};

const ATTRIBUTE: &str = "nixosConfigurations.netboot-x";

/// The problem and the message of a failed evaluation.
async fn problem_of(nix: NixVersion, code: &str) -> (EvaluationProblem, String) {
    let (error, _place) = error_of_code(nix, code).await;
    let Error::Evaluation { attribute, problem, message, .. } = error else { panic!("{error:?}") };
    assert_eq!(attribute, ATTRIBUTE);
    (problem, message.into())
}

pub(crate) async fn a_feature_is_off(nix: NixVersion) {
    let attributes = r#"{ __contentAddressed = true; outputHashMode = "recursive"; outputHashAlgo = "sha256"; }"#;
    let (error, _place) = error_of_kernel(nix, attributes, "").await;
    let Error::FeatureDisabled { subject, feature } = &error else { panic!("{error:?}") };
    assert_eq!(subject, &Subject::Attribute(ATTRIBUTE.to_owned()));
    assert_eq!(feature, "ca-derivations");
    assert!(error.hint().unwrap().contains("ca-derivations"), "{:?}", error.hint());
    let settings = "extra-experimental-features = ca-derivations";
    let (error, _place) = error_of_kernel(nix, attributes, settings).await;
    assert!(matches!(error, Error::UnusableValue { .. }), "{error:?}");
}

pub(crate) async fn an_attribute_is_missing(nix: NixVersion) {
    let place = Place::of(nix);
    let other = place.flake("{ nixosConfigurations.y.config = { }; }");
    let error = error_of(place.builder(&other)).await;
    let Error::AttributeMissing { attribute, available } = &error else { panic!("{error:?}") };
    assert_eq!((attribute.as_str(), available.as_slice()), (ATTRIBUTE, &["y".to_owned()][..]));
    assert!(error.hint().unwrap().ends_with("the flake has y"), "{:?}", error.hint());
    let least = least_configuration("x", WITH_INIT, "{ }");
    let outputs = |more: &str| {
        format!("rec {{ nixosConfigurations = rec {{ y.config = {least}; {more} }}; }}")
    };
    let named = place.flake(&outputs("netboot-x = y;"));
    assert_evaluated(place.builder(&named)).await;
    let mapped = place.builder(&place.flake(&outputs(""))).configuration(|_| "y".to_owned());
    assert_evaluated(mapped).await;

    let error = error_of(place.builder(&place.flake("{ }"))).await;
    let Error::AttributeMissing { attribute, .. } = &error else { panic!("{error:?}") };
    assert_eq!(attribute, ATTRIBUTE);
    assert!(error.hint().unwrap().starts_with("define `nixosConfigurations"), "{error:?}");
    assert_evaluated(place.builder(&flake(&place, &least))).await;

    let bare = flake(&place, "{ }");
    let error = error_of(place.builder(&bare)).await;
    let Error::AttributeMissing { attribute, .. } = &error else { panic!("{error:?}") };
    assert_eq!(attribute, &format!("{ATTRIBUTE}.config.system.build.kernel"));
}

pub(crate) async fn a_configuration_throws(nix: NixVersion) {
    let (problem, message) = problem_of(nix, r#"throw "set an SSH key first""#).await;
    assert_eq!(problem, EvaluationProblem::Thrown);
    assert!(message.contains("set an SSH key first"), "{message}");
}

pub(crate) async fn an_evaluation_is_aborted(nix: NixVersion) {
    let (problem, message) = problem_of(nix, r#"abort "no such rack""#).await;
    assert_eq!(problem, EvaluationProblem::Aborted);
    assert!(message.contains("no such rack"), "{message}");
}

pub(crate) async fn a_variable_is_undefined(nix: NixVersion) {
    // Nix finds it before the evaluation, so it concerns every configuration in the file.
    let place = Place::of(nix);
    let error = error_of(place.builder(&flake(&place, "{ boot.kernelParams = consoles; }"))).await;
    let Error::Evaluation { problem, position, .. } = error else { panic!("{error:?}") };
    let name = "consoles".to_owned();
    assert_eq!(problem, EvaluationProblem::UndefinedVariable { name });
    assert!(position.as_deref().unwrap().starts_with("flake.nix:1:"), "{position:?}");
}

pub(crate) async fn a_name_in_the_code_is_missing(nix: NixVersion) {
    let (problem, _) = problem_of(nix, "({ consoles = [ ]; }).console").await;
    let name = "console".to_owned();
    assert_eq!(problem, EvaluationProblem::MissingAttribute { name });
}

pub(crate) async fn a_value_needs_itself(nix: NixVersion) {
    let (problem, _) = problem_of(nix, "let all = all ++ [ ]; in all").await;
    assert_eq!(problem, EvaluationProblem::InfiniteRecursion);
}

pub(crate) async fn calls_have_no_end(nix: NixVersion) {
    let (problem, _) = problem_of(nix, "let f = n: 1 + f (n + 1); in f 0").await;
    assert_eq!(problem, EvaluationProblem::StackOverflow);
}

pub(crate) async fn a_value_outgrows_memory(nix: NixVersion) {
    let place = Place::of(nix);
    let list = "builtins.deepSeq (builtins.genList (n: n) 400000000) null";
    let flake = flake(&place, &format!("{{ system = {list}; }}"));
    // The list needs twice as much.
    let error = error_of(place.builder(&flake).evaluation_memory(1600 << 20)).await;
    assert!(matches!(error, Error::EvaluationTooLarge { .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("more memory"), "{:?}", error.hint());
}

pub(crate) async fn the_code_is_no_code(nix: NixVersion) {
    let place = Place::of(nix);
    let error = error_of(place.builder(&place.flake("{ ; }"))).await;
    let Error::Evaluation { problem, position, .. } = error else { panic!("{error:?}") };
    assert_eq!(problem, EvaluationProblem::Syntax);
    assert!(position.as_deref().unwrap().starts_with("flake.nix:1:"), "{position:?}");
}

pub(crate) async fn a_value_has_the_wrong_type(nix: NixVersion) {
    for code in [r#"1 + "a""#, "1 2", "map 1 2"] {
        let (problem, message) = problem_of(nix, code).await;
        assert_eq!(problem, EvaluationProblem::WrongType, "{code}: {message}");
    }
}

pub(crate) async fn a_file_is_missing(nix: NixVersion) {
    for code in ["builtins.readFile ./keys/admin.pub", "import ./keys/admin.pub"] {
        let (problem, message) = problem_of(nix, code).await;
        let EvaluationProblem::MissingFile { path } = problem else { panic!("{message}") };
        // Nix 2.8 names the directory if it is missing too.
        assert!(path == "keys/admin.pub" || path == "keys", "{path}");
    }
}

/// The hint of a missing file is followed where git ignores the file.
#[tokio::test]
async fn a_file_that_is_missing_is_added_to_the_source() {
    let place = Place::new();
    let least = least_configuration("x", WITH_INIT, "{ }");
    let directory = repository(
        &place,
        &format!(
            "builtins.seq (import ./keys.nix) {{ nixosConfigurations.netboot-x.config = {least}; }}"
        ),
    );
    fs::write(directory.join(".gitignore"), "keys.nix").unwrap();
    let builder = || place.builder(directory.to_str().unwrap());
    let error = error_of(builder()).await;
    assert!(error.hint().unwrap().contains("`git add --force`"), "{:?}", error.hint());
    fs::write(directory.join("keys.nix"), "{ }").unwrap();
    git(&directory, &["add", "--force", "keys.nix"]);
    assert_evaluated(builder()).await;
}

pub(crate) async fn what_the_code_fetches_has_another_hash(nix: NixVersion) {
    let place = Place::of(nix);
    let fetched = place.path().join("fetched");
    fs::create_dir(&fetched).unwrap();
    fs::write(fetched.join("key"), "key").unwrap();
    let path = fetched.display();
    let flake_of = |code: &str| {
        let overrides = format!("{{ boot.kernelParams = builtins.seq ({code}) [ ]; }}");
        flake(&place, &least_configuration("x", WITH_INIT, &overrides))
    };
    let wrong = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    for (code, source) in [
        (
            format!(
                r#"(builtins.fetchTree {{ type = "path"; path = "{path}"; narHash = "HASH"; }}).outPath"#
            ),
            format!("path:{path}"),
        ),
        (
            format!(r#"builtins.fetchurl {{ url = "file://{path}/key"; sha256 = "HASH"; }}"#),
            format!("file://{path}/key"),
        ),
    ] {
        let error = error_of(place.builder(&flake_of(&code.replace("HASH", wrong)))).await;
        let Error::Evaluation { problem, message, .. } = &error else { panic!("{error:?}") };
        let EvaluationProblem::HashMismatch { source: found } = problem else {
            panic!("{error:?}")
        };
        assert!(found.starts_with(&source), "{found}");
        assert!(error.hint().unwrap().contains("the other hash"), "{:?}", error.hint());
        // The message has the hash of the code in this form or in base 32, and the right one.
        let is_wrong = |hash: &str| {
            wrong == hash || hash.trim_start_matches("sha256:").bytes().all(|b| b == b'0')
        };
        let words = message.split(|c: char| c.is_whitespace() || c == '\'');
        let mut hashes = words.filter(|word| word.starts_with("sha256") && !is_wrong(word));
        let right = hashes.next().unwrap_or_else(|| panic!("{message}"));
        assert_evaluated(place.builder(&flake_of(&code.replace("HASH", right)))).await;
    }
    let code = format!("builtins.path {{ path = ./.; sha256 = \"{wrong}\"; }}");
    let error = error_of(place.builder(&flake_of(&code))).await;
    let Error::Evaluation { problem, .. } = &error else { panic!("{error:?}") };
    assert!(matches!(problem, EvaluationProblem::HashMismatch { .. }), "{problem:?}");
    assert_evaluated(place.builder(&flake_of("builtins.path { path = ./.; }"))).await;
}

pub(crate) async fn an_override_does_not_fit(nix: NixVersion) {
    let place = Place::of(nix);
    let named = "{ networking.hostName = \"a\"; }";
    // Only the kernel parameters are read.
    let base = format!(
        "{{ config, ... }}: {} // {{ boot.kernelParams = [ config.networking.hostName ]; }}",
        least_configuration("x", WITH_INIT, "{ }")
    );
    let configuration = extensible(&[&base, named], "{ }");
    let flake = place.flake(&format!("{{ nixosConfigurations.netboot-x = {configuration}; }}"));
    let module = place.path().join("rack-7.nix");
    fs::write(&module, "{ lib, ... }: { networking.hostName = \"c\"; }").unwrap();
    let host = |name: serde_json::Value| serde_json::json!({ "networking": { "hostName": name } });
    let builder = |overrides: netboot_nix::OverridesBuilder| {
        place.builder(&flake).overrides(overrides.build().unwrap())
    };
    let other = serde_json::json!({ "services": { "x": 1 } });
    for (overrides, expected) in [
        (Overrides::builder().settings(host("b".into())), "settings"),
        (Overrides::builder().settings(other).settings(host("b".into())), "settings 2"),
        (Overrides::builder().module(&module), "module rack-7.nix"),
    ] {
        let error = error_of(builder(overrides)).await;
        let Error::Evaluation { problem, message, .. } = &error else { panic!("{error:?}") };
        let EvaluationProblem::Override { setting } = problem else { panic!("{error:?}") };
        assert_eq!(setting, expected, "{message}");
        assert!(error.hint().unwrap().contains(r#""priority": 50"#), "{:?}", error.hint());
    }
    let forced = serde_json::json!({ "_type": "override", "priority": 50, "content": "b" });
    assert_evaluated(builder(Overrides::builder().settings(host(forced)))).await;
    fs::write(&module, "{ lib, ... }: { networking.hostName = lib.mkForce \"c\"; }").unwrap();
    assert_evaluated(builder(Overrides::builder().module(&module))).await;

    // Nix names the copy of the module in the store.
    let directory = place.path().join("site");
    fs::create_dir(&directory).unwrap();
    for (given, file) in [(&module, &module), (&directory, &directory.join("default.nix"))] {
        fs::write(file, "{ ... }: { x = ; }").unwrap();
        let error = error_of(builder(Overrides::builder().module(given))).await;
        let Error::Evaluation { problem, position, .. } = &error else { panic!("{error:?}") };
        assert_eq!(problem, &EvaluationProblem::Syntax);
        assert_eq!(position.as_deref(), Some(&*format!("{}:1:16", file.display())));
    }
}

pub(crate) async fn a_file_is_outside_of_the_flake(nix: NixVersion) {
    let (problem, _) = problem_of(nix, "builtins.readFile /etc/hostname").await;
    assert_eq!(problem, EvaluationProblem::Impure);
}

/// Nix code that reads the output of a derivation, which this script builds.
fn import(script: &str) -> String {
    format!(
        r#"builtins.readFile (derivation {{ name = "imported"; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "{script}" ]; }})"#
    )
}

pub(crate) async fn an_import_is_not_allowed(nix: NixVersion) {
    let place = Place::of(nix);
    let code = format!("{{ boot.kernelParams = [ ({}) ]; }}", import("echo > $out"));
    let error = error_of(place.builder(&flake(&place, &code))).await;
    let Error::Evaluation { problem, .. } = &error else { panic!("{error:?}") };
    let EvaluationProblem::ImportFromDerivation { derivation } = problem else {
        panic!("{error:?}")
    };
    assert!(derivation.ends_with("-imported.drv"), "{derivation}");
    assert!(error.hint().unwrap().contains("import_from_derivation"), "{:?}", error.hint());
}

pub(crate) async fn an_import_fails(nix: NixVersion) {
    let place = Place::of(nix);
    let text = format!("{{ name = {}; }}", import("echo no such disk; exit 4"));
    let builder = place.builder(&flake(&place, &with_kernel(&text))).import_from_derivation(true);
    let error = error_of(builder).await;
    let Error::Evaluation { problem, .. } = &error else { panic!("{error:?}") };
    let EvaluationProblem::ImportFailed { derivation } = problem else { panic!("{error:?}") };
    assert!(derivation.ends_with("-imported.drv"), "{derivation}");
    assert!(error.hint().unwrap().contains(&format!("`nix log {derivation}`")), "{error:?}");
    let log = place.command("nix").args(["log", derivation]).output().unwrap();
    assert!(String::from_utf8_lossy(&log.stdout).contains("no such disk"), "{log:?}");
    let text = format!("{{ name = {}; }}", import("printf x > $out"));
    let builder = place.builder(&flake(&place, &with_kernel(&text))).import_from_derivation(true);
    assert_evaluated(builder).await;
}

/// Mistakes in code are mended as their hints say. The commands of the hints show the place.
#[tokio::test]
async fn a_mistake_is_mended_as_its_hint_says() {
    for (wrong, right, hint) in [
        (r#"throw "set a key""#, "[ ]", "do what the message asks for"),
        (r#"abort "no such rack""#, "[ ]", "remove the call of `abort`"),
        ("consoles", "let consoles = [ ]; in consoles", "define `consoles`"),
        ("({ consoles = [ ]; }).console", "({ consoles = [ ]; }).consoles", "the name `console`"),
        ("let all = all ++ [ ]; in all", "[ ]", "defined by its own value"),
        ("let f = n: 1 + f (n + 1); in f 0", "[ ]", "calls itself endlessly"),
        ("[ ; ]", "[ ]", "at the place in the message"),
        (r#"1 + "a""#, "[ ]", "correct the configuration"),
        (
            "[ (builtins.readFile /etc/hostname) ]",
            "[ (builtins.readFile ./hostname) ]",
            "copy the file into the flake",
        ),
    ] {
        // Nix 2.8 shows less in its traces.
        let place = Place::of(NixVersion::V2_26);
        let with = |code: &str| {
            // NixOS puts the kernel parameters into the system.
            let system = "it.system.build.toplevel";
            let overrides = format!(
                "(let code = {code}; in {{ boot.kernelParams = code; system = it.system // {{ \
                 build = it.system.build // {{ toplevel = {system} // {{ \
                 drvPath = builtins.deepSeq code {system}.drvPath; }}; }}; }}; }})"
            );
            flake(&place, &least_configuration("x", WITH_INIT, &overrides))
        };
        let reference = with(wrong);
        let error = error_of(place.builder(&reference)).await;
        let told = error.hint().unwrap();
        assert!(told.contains(hint), "{wrong}: {told}");
        if told.contains("`nix eval --json --show-trace`") {
            let value = format!("{reference}#{ATTRIBUTE}.config.system.build.toplevel.drvPath");
            let arguments = ["eval", "--json", "--show-trace", &value];
            let shown = place.command("nix").args(arguments).output();
            let shown = String::from_utf8_lossy(&shown.unwrap().stderr).into_owned();
            assert!(shown.contains("flake.nix:"), "{wrong}: {shown}");
        }
        fs::write(place.path().join("own/hostname"), "rack").unwrap();
        assert_evaluated(place.builder(&with(right))).await;
    }
}
