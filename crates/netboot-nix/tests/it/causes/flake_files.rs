//! Flakes whose files Nix cannot use. Each test follows the hint.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use netboot_core::{Builder, Context};
use netboot_nix::{Error, FlakeProblem};
use netboot_testbed::DebianTree;

use crate::causes::scene::{error_of, git};
use crate::place::{NixVersion, Place, WITH_INIT, least_configuration, profile};

/// A flake with an input, locked and committed.
fn locked(place: &Place) -> PathBuf {
    let (input, directory) = (place.path().join("input"), place.path().join("own"));
    fs::create_dir(&input).unwrap();
    fs::write(input.join("flake.nix"), "{ outputs = { self }: { }; }").unwrap();
    write(place, &format!("inputs.other.url = \"path:{}\";", input.display()), "{ self, other }");
    run(place, &directory, &["flake", "lock", &format!("path:{}", directory.display())]);
    git(&directory, &["init", "-q", "-b", "main"]);
    commit(&directory);
    directory
}

/// Writes a flake with these inputs and a configuration that needs the input `other`, if there is
/// one.
fn write(place: &Place, inputs: &str, arguments: &str) {
    let directory = place.path().join("own");
    fs::create_dir_all(&directory).unwrap();
    let needs = if arguments.contains("other") { "builtins.seq other.outPath" } else { "" };
    let configuration = least_configuration("x", WITH_INIT, "{ }");
    let text = format!(
        "{{ {inputs} outputs = {arguments}: {{ nixosConfigurations.netboot-x.config = {needs} \
         {configuration}; }}; }}"
    );
    fs::write(directory.join("flake.nix"), text).unwrap();
}

fn commit(directory: &Path) {
    git(directory, &["add", "."]);
    git(directory, &["commit", "-q", "-m", "x"]);
}

/// Runs nix in a directory.
fn run(place: &Place, directory: &Path, arguments: &[&str]) {
    let output = place.command("nix").args(arguments).current_dir(directory).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "nix {arguments:?}: {said}");
}

/// Replaces a text in `flake.lock`.
fn edit(directory: &Path, old: &str, new: &str) {
    let lock = directory.join("flake.lock");
    let text = fs::read_to_string(&lock).unwrap();
    assert!(text.contains(old), "{text}");
    fs::write(lock, text.replace(old, new)).unwrap();
}

/// The problem of the flake in this directory, and the hint.
async fn problem_of(place: &Place, directory: &Path) -> (FlakeProblem, String) {
    let error = error_of(place.builder(directory.to_str().unwrap())).await;
    let Error::FlakeUnusable { problem, .. } = &error else { panic!("{error:?}") };
    (problem.clone(), error.hint().unwrap())
}

/// Builds the flake in this directory, now that the hint was followed.
async fn builds(place: &Place, directory: &Path) {
    let builder = place.builder(directory.to_str().unwrap()).build().unwrap();
    builder.build(&profile("x"), &Context::new()).await.unwrap();
}

pub(crate) async fn a_lock_file_has_a_conflict(nix: NixVersion) {
    let place = Place::of(nix);
    let directory = locked(&place);
    let version = "\"version\": 7";
    git(&directory, &["checkout", "-q", "-b", "theirs"]);
    edit(&directory, version, "\"version\":  7");
    commit(&directory);
    git(&directory, &["checkout", "-q", "main"]);
    edit(&directory, version, "\"version\":   7");
    commit(&directory);
    let merge = ["-c", "user.name=x", "-c", "user.email=x@example.org", "merge", "theirs"];
    let merged = Command::new("git").arg("-C").arg(&directory).args(merge).output().unwrap();
    assert!(!merged.status.success(), "{merged:?}");
    let (problem, hint) = problem_of(&place, &directory).await;
    assert_eq!(problem, FlakeProblem::LockConflict);
    assert!(hint.contains("`git checkout --theirs flake.lock`"), "{hint}");
    git(&directory, &["checkout", "--theirs", "flake.lock"]);
    git(&directory, &["add", "flake.lock"]);
    run(&place, &directory, &["flake", "lock"]);
    builds(&place, &directory).await;
}

pub(crate) async fn a_lock_file_is_cut(nix: NixVersion) {
    let place = Place::of(nix);
    let directory = locked(&place);
    let lock = directory.join("flake.lock");
    let whole = fs::read_to_string(&lock).unwrap();
    let without_locked = whole.replace("\"locked\"", "\"unlocked\"");
    for text in ["", "[ ]", &whole[..200], &without_locked] {
        fs::write(&lock, text).unwrap();
        let (problem, hint) = problem_of(&place, &directory).await;
        assert_eq!(problem, FlakeProblem::LockUnreadable, "{text}");
        assert!(hint.contains("`git checkout flake.lock`"), "{hint}");
        git(&directory, &["checkout", "-q", "flake.lock"]);
        builds(&place, &directory).await;
    }
}

pub(crate) async fn a_lock_file_has_another_version(nix: NixVersion) {
    let place = Place::of(nix);
    let directory = locked(&place);
    edit(&directory, "\"version\": 7", "\"version\": 8");
    let (problem, hint) = problem_of(&place, &directory).await;
    assert_eq!(problem, FlakeProblem::LockVersion);
    assert!(hint.contains("delete it and run `nix flake lock`"), "{hint}");
    fs::remove_file(directory.join("flake.lock")).unwrap();
    run(&place, &directory, &["flake", "lock"]);
    builds(&place, &directory).await;
}

pub(crate) async fn a_flake_is_for_a_newer_nix(nix: NixVersion) {
    let place = Place::of(nix);
    let directory = locked(&place);
    // Each row has something that this version of Nix does not know yet.
    fs::remove_file(directory.join("flake.lock")).unwrap();
    match nix {
        NixVersion::V2_8 => {
            let input = directory.join("sub");
            fs::create_dir(&input).unwrap();
            fs::write(input.join("flake.nix"), "{ outputs = { self }: { }; }").unwrap();
            write(&place, "inputs.other.url = \"./sub\";", "{ self, other }");
            let lock = r#"{ "root": "root", "version": 7, "nodes": {
                "root": { "inputs": { "other": "other" } },
                "other": { "parent": [], "locked": { "path": "./sub", "type": "path" },
                           "original": { "path": "./sub", "type": "path" } } } }"#;
            fs::write(directory.join("flake.lock"), lock).unwrap();
            commit(&directory);
        }
        NixVersion::V2_26 => write(&place, "inputs.self.submodules = true;", "{ self }"),
        NixVersion::V2_34 => write(&place, "inputs.self.quantum = true;", "{ self }"),
    }
    let (problem, hint) = problem_of(&place, &directory).await;
    assert_eq!(problem, FlakeProblem::Unsupported);
    assert!(hint.contains("`program_directory`"), "{hint}");
    let newer = match nix {
        NixVersion::V2_8 => DebianTree::TRIXIE_NIX,
        NixVersion::V2_26 => DebianTree::SID_NIX,
        NixVersion::V2_34 => return,
    };
    let builder = place.builder(directory.to_str().unwrap()).program_directory(newer.programs());
    let builder = builder.environment("NIX_CONFIG", place.settings("allow-dirty = true"));
    builder.build().unwrap().build(&profile("x"), &Context::new()).await.unwrap();
}

/// Other words about files for another Nix.
pub(crate) async fn a_lock_file_names_what_nix_does_not_know(nix: NixVersion) {
    let place = Place::of(nix);
    let directory = locked(&place);
    edit(&directory, "\"type\": \"path\"", "\"type\": \"path\", \"quantum\": 1");
    assert_eq!(problem_of(&place, &directory).await.0, FlakeProblem::Unsupported);
    let place = Place::of(nix);
    let directory = locked(&place);
    write(&place, "edition = 2;", "{ self }");
    assert_eq!(problem_of(&place, &directory).await.0, FlakeProblem::Unsupported);
}

pub(crate) async fn an_input_has_an_unknown_type(nix: NixVersion) {
    let place = Place::of(nix);
    let directory = locked(&place);
    // Nix 2.8 prints the type; later ones crash.
    edit(&directory, "\"type\": \"path\"", "\"type\": \"quantum\"");
    assert_eq!(problem_of(&place, &directory).await.0, FlakeProblem::InputType);

    let place = Place::of(nix);
    let input = |kind: &str| {
        let path = place.path().join("input").display().to_string();
        format!("inputs.other = {{ type = \"{kind}\"; path = \"{path}\"; }};")
    };
    let directory = locked(&place);
    fs::remove_file(directory.join("flake.lock")).unwrap();
    for inputs in [input("quantum"), "inputs.other.url = \"quantum:a/b\";".to_owned()] {
        write(&place, &inputs, "{ self, other }");
        let (problem, hint) = problem_of(&place, &directory).await;
        assert_eq!(problem, FlakeProblem::InputType);
        // Nix knows each of them: its message is no longer about the type.
        let (_, kinds) = hint.split_once("Nix knows ").unwrap();
        let (kinds, _) = kinds.split_once(", and in newer").unwrap();
        let kinds: Vec<&str> = kinds.split(", ").map(|kind| kind.trim_matches('`')).collect();
        assert_eq!(kinds.len(), 8, "{hint}");
        for kind in kinds {
            write(&place, &input(kind), "{ self, other }");
            let builder = place.builder(directory.to_str().unwrap()).build().unwrap();
            let built = builder.build(&profile("x"), &Context::new()).await;
            let said = format!("{:?}", built.err());
            assert!(!said.contains("InputType"), "{kind}: {said}");
        }
    }
    write(&place, &input("path"), "{ self, other }");
    run(&place, &directory, &["flake", "lock"]);
    builds(&place, &directory).await;
}

pub(crate) async fn an_input_is_not_the_locked_one(nix: NixVersion) {
    let place = Place::of(nix);
    let directory = locked(&place);
    let text = fs::read_to_string(directory.join("flake.lock")).unwrap();
    let (_, rest) = text.split_once("sha256-").unwrap();
    let wrong = format!("sha256-AAAAAA{}", &rest[6..20]);
    edit(&directory, &format!("sha256-{}", &rest[..20]), &wrong);
    let (problem, hint) = problem_of(&place, &directory).await;
    assert_eq!(problem, FlakeProblem::InputChanged { input: "other".to_owned() });
    let command: &[&str] = match nix {
        NixVersion::V2_8 => &["flake", "lock", "--update-input", "other"],
        NixVersion::V2_26 | NixVersion::V2_34 => &["flake", "update", "other"],
    };
    assert!(hint.contains(&format!("`nix {}`", command.join(" "))), "{hint}");
    run(&place, &directory, command);
    builds(&place, &directory).await;
}
