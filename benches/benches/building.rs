//! The time that Netboot adds to Nix: three profiles whose evaluation takes about two seconds each,
//! against one `nix build` for each attribute, as scripts do it, and against a bare evaluation and
//! realisation, which is the least that Nix needs.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up has nothing to say")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use netboot_benches::{is_test, medians, print_ratio, timed};
use netboot_core::{Builder, Context, Profile, ProfileSpec};
use netboot_nix::NixBuilder;
use netboot_testbed::{HermeticNix, Testbed};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const PROFILES: [&str; 3] = ["control-plane", "worker", "all-in-one"];
const ATTRIBUTES: [&str; 3] = ["kernel", "netbootRamdisk", "toplevel"];
/// The values that a bare evaluation reads: three derivations and their outputs of each profile.
const READ: &str = "configurations: builtins.mapAttrs (_: configuration: builtins.map (part: [ \
                    part.drvPath part.outPath ]) (with configuration.config.system.build; [ \
                    kernel netbootRamdisk toplevel ])) configurations";

/// The test flake, with work to do before a configuration has a value: `steps` of it.
fn write_flake(directory: &Path, steps: u32) -> String {
    let reference = Testbed::locate().write_flake(directory, "bench");
    let flake = directory.join("flake.nix");
    let text = std::fs::read_to_string(&flake).unwrap();
    let work = format!(
        "modules = builtins.seq (builtins.foldl' (sum: n: sum + builtins.stringLength \
         (builtins.hashString \"sha256\" \"${{name}} ${{toString n}}\")) 0 \
         (builtins.genList (n: n) {steps})) [ (import ./configuration.nix"
    );
    let slow = text.replace("modules = [ (import ./configuration.nix", &work);
    assert_ne!(text, slow, "the flake has another form than this benchmark knows");
    std::fs::write(flake, slow).unwrap();
    reference
}

fn run(command: &mut Command) -> String {
    let output = command.stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

fn main() {
    let runtime = Runtime::new().unwrap();
    let (steps, rounds) = if is_test() { (10, 1) } else { (2_800_000, 5) };
    let directory = TempDir::new().unwrap();
    let place = directory.path().canonicalize().unwrap();
    let nix = HermeticNix::new();
    let flake = write_flake(&place.join("flake"), steps);

    let builder = NixBuilder::options(&flake).state_directory(place.join("state"));
    let builder = nix
        .environment()
        .into_iter()
        .fold(builder, |builder, (name, value)| builder.environment(name, value));
    let builder = match HermeticNix::program_directory() {
        Some(programs) => builder.program_directory(programs),
        None => builder,
    };
    let builder = builder.build().unwrap();
    let profiles: Vec<Arc<dyn Profile>> = PROFILES
        .iter()
        .map(|name| Arc::new(ProfileSpec::new(*name).unwrap()) as Arc<dyn Profile>)
        .collect();
    let build = || {
        let images = runtime.block_on(builder.build_all(&profiles, &Context::new()));
        assert!(images.iter().all(Result::is_ok), "{images:?}");
    };
    // Everything is built before anything is measured: the builders' work is the same for all.
    build();

    let attribute = |profile: &str, part: &str| {
        format!("{flake}#nixosConfigurations.netboot-{profile}.config.system.build.{part}")
    };
    let script = || {
        for (profile, part) in
            PROFILES.iter().flat_map(|profile| ATTRIBUTES.map(|part| (*profile, part)))
        {
            // An evaluation cache would spare the script a repeated evaluation, but not the one
            // after a change, which is what is compared.
            let mut build = nix.command("nix");
            build.args(["build", "--no-link", "--option", "eval-cache", "false", "--"]);
            run(build.arg(attribute(profile, part)));
        }
    };
    let bare = || {
        let mut eval = nix.command("nix");
        eval.args(["eval", "--json", "--apply", READ, "--"]);
        let json = run(eval.arg(format!("{flake}#nixosConfigurations")));
        let parts: std::collections::BTreeMap<String, Vec<[String; 2]>> =
            serde_json::from_str(&json).unwrap();
        let mut realise = nix.command("nix-store");
        realise.arg("--realise");
        realise.args(parts.values().flatten().map(|[derivation, _]| format!("{derivation}!out")));
        run(&mut realise);
    };
    let [ours, scripts, least]: [Duration; 3] =
        medians(rounds, [&mut || timed(build), &mut || timed(script), &mut || timed(bare)]);
    print_ratio(("NixBuilder, three profiles", ours), ("nine times nix build", scripts));
    print_ratio(("NixBuilder, three profiles", ours), ("nix eval + nix-store --realise", least));
}
