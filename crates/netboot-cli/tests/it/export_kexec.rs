//! `netboot export kexec`: whole files with the right digests, and nothing of others is lost.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use netboot_core::{Image, Sha256Digest};
use serde_json::json;

use crate::place::{Place, assert_documented};

/// The sample's profile with a closure, and the one without.
const CLOSURE: &str = "worker";
const PLAIN: &str = "control-plane";

const NAMES: [&str; 5] = ["Image", "SHA256SUMS", "cmdline", "initrd", "kexec-boot"];

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| !name.starts_with(".netboot-")).collect();
    names.sort();
    names
}

fn run(program: &str, arguments: &[&str], directory: &Path) -> Output {
    let output = Command::new(program).args(arguments).current_dir(directory).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {output:?}");
    output
}

/// Checks the digests as the machine does.
fn check_digests(directory: &Path) {
    run("sha256sum", &["--check", "--strict", "SHA256SUMS"], directory);
}

async fn image(place: &Place, profile: &str) -> Image {
    let publisher = place.publisher().await;
    let live = publisher.live().await.unwrap().unwrap();
    let images = publisher.images(live).await.unwrap();
    images.into_iter().find(|image| image.profile().as_str() == profile).unwrap()
}

#[tokio::test]
async fn an_image_is_exported_from_any_place() {
    for place in Place::all() {
        let target = place.target();
        let [release] = place.publish(["one"]).await;
        let tree = place.path("tree");
        let arguments = ["export", "kexec", &target, PLAIN, "--output", "tree", "--json"];
        let object = place.succeeds(&arguments).json();
        assert_eq!(names(&tree), NAMES);
        check_digests(&tree);
        let image = image(&place, PLAIN).await;
        let kernel = Sha256Digest::of(&fs::read(tree.join("Image")).unwrap());
        assert_eq!(kernel, image.kernel().sha256());
        let line = image.boot().command_line().unwrap().to_string();
        assert_eq!(fs::read_to_string(tree.join("cmdline")).unwrap(), format!("{line}\n"));
        let files = ["Image", "initrd", "cmdline", "kexec-boot", "SHA256SUMS"];
        let expected = json!({
            "release": release.to_string(),
            "profile": PLAIN,
            "command_line": line,
            "files": files.map(|name| format!("tree/{name}")),
        });
        assert_eq!(object, expected);
        assert_documented("export kexec", &object);
    }
}

/// Follows the hints, too.
#[tokio::test]
async fn the_closure_of_an_image_is_at_a_url() {
    let place = Place::directory();
    let target = place.target();
    place.publish(["one"]).await;
    let arguments = ["export", "kexec", &target, CLOSURE, "--output", "tree"];
    let said = place.fails(&arguments);
    assert!(said.contains("do not know where to fetch the closure"), "{said}");
    assert!(said.contains("what to do: give `--closure-url` the plain `http://` URL"), "{said}");
    for url in ["https://10.0.0.1/", "http://10.0.0.1/?a=b"] {
        let said = place.misuses(&[&arguments[..], &["--closure-url", url]].concat());
        assert!(said.contains("what to do: give `--closure-url` an `http://` URL"), "{said}");
    }
    let url = ["--closure-url", "http://10.0.0.1/nixos/"];
    let plain = ["export", "kexec", &target, PLAIN, "--output", "tree"];
    let said = place.misuses(&[&plain[..], &url].concat());
    assert!(said.contains("what to do: leave out `--closure-url`"), "{said}");
    assert!(!place.path("tree").exists());

    fs::write(
        place.path("netboot.toml"),
        "[closure-boot]\nprogram = \"netboot-stage1\"\nmirrors = [\"http://10.0.0.2/nixos/\"]\n",
    )
    .unwrap();
    place.succeeds(&[&arguments[..], &url].concat());
    let line = fs::read_to_string(place.path("tree/cmdline")).unwrap();
    let index = image(&place, CLOSURE).await.closure().unwrap().index.sha256();
    let end = format!(
        " netboot.from=http://10.0.0.1/nixos/ netboot.from=http://10.0.0.2/nixos/ \
         netboot.index={index}\n"
    );
    assert!(line.ends_with(&end), "{line}");
}

#[tokio::test]
async fn a_release_is_chosen_by_its_id_or_by_a_pointer() {
    let place = Place::directory();
    let target = place.target();
    let staged = place.stage("two").await;
    let arguments = ["export", "kexec", &target, PLAIN, "--output", "tree"];
    let said = place.fails(&arguments);
    assert!(said.contains("what to do: make one live first: `netboot activate`"), "{said}");
    let begin = staged.short();
    let of_release = [&arguments[..], &["--release", &begin, "--json"]].concat();
    assert_eq!(place.succeeds(&of_release).json()["release"], staged.to_string());

    place.succeeds(&["activate", &target, &staged.to_string(), "--pointer", "canary"]);
    let [live] = place.publish(["one"]).await;
    for (more, release) in [(&["--json"][..], live), (&["--json", "--pointer", "canary"], staged)] {
        let object = place.succeeds(&[&arguments[..], more].concat()).json();
        assert_eq!(object["release"], release.to_string());
        check_digests(&place.path("tree"));
    }
    let said = place.fails(&["export", "kexec", &target, "storage", "--output", "tree"]);
    assert!(said.contains("has no profile `storage`; it has 2 profiles: "), "{said}");
    assert!(said.contains("what to do: name one of its profiles"), "{said}");
}

#[tokio::test]
async fn a_tree_is_replaced_and_files_of_others_stay() {
    let place = Place::directory();
    let target = place.target();
    place.publish(["one"]).await;
    let export = |output| ["export", "kexec", &target, PLAIN, "--output", output];
    let tree = place.path("trees/tree");
    place.succeeds(&export("trees/tree"));
    let before = fs::read(tree.join("initrd")).unwrap();
    place.publish(["two"]).await;
    place.succeeds(&export("trees/tree"));
    assert_ne!(fs::read(tree.join("initrd")).unwrap(), before);
    check_digests(&tree);
    assert_eq!(names(&tree), NAMES);
    // Nothing is left of the old tree and of the work.
    assert_eq!(fs::read_dir(place.path("trees")).unwrap().count(), 1);

    // A file of somebody else, a changed one, and a link that others may change.
    let refused = |name: &str| {
        let said = place.fails(&export("trees/tree"));
        assert!(said.contains(&format!("trees/tree/{name}` would be lost")), "{said}");
        assert!(said.contains("what to do: move it elsewhere"), "{said}");
    };
    fs::write(tree.join("notes"), "mine").unwrap();
    refused("notes");
    fs::rename(tree.join("notes"), place.path("notes")).unwrap();
    place.succeeds(&export("trees/tree"));
    fs::write(tree.join("cmdline"), "mine").unwrap();
    refused("cmdline");
    fs::remove_file(tree.join("cmdline")).unwrap();
    std::os::unix::fs::symlink(place.path("notes"), tree.join("cmdline")).unwrap();
    refused("cmdline");
    fs::remove_file(tree.join("cmdline")).unwrap();
    place.succeeds(&export("trees/tree"));
    fs::write(tree.join(".netboot-export-kexec.json"), "nonsense").unwrap();
    refused("Image");

    // A directory of others, a file, and what is not a directory of its own.
    fs::create_dir(place.path("other")).unwrap();
    fs::write(place.path("other/Image"), "mine").unwrap();
    assert!(place.fails(&export("other")).contains("other/Image` would be lost"));
    assert!(place.fails(&export("notes")).contains("notes` would be lost"));
    for no_name in [".", "/", "tree/.."] {
        assert!(place.misuses(&export(no_name)).contains("as a whole"));
    }
    // An empty directory has nothing to lose.
    fs::create_dir(place.path("empty")).unwrap();
    place.succeeds(&export("empty"));
    check_digests(&place.path("empty"));
}

#[tokio::test]
async fn a_damaged_target_leaves_the_tree_as_it_is() {
    let place = Place::directory();
    let target = place.target();
    place.publish(["one"]).await;
    let arguments = ["export", "kexec", &target, PLAIN, "--output", "tree"];
    place.succeeds(&arguments);
    let before = fs::read(place.path("tree/SHA256SUMS")).unwrap();
    let kernel = image(&place, PLAIN).await.kernel().sha256();
    place.damage(&netboot_core::layout::blob(&kernel));
    let beside = names(&place.path(""));
    let said = place.run(&arguments);
    assert_eq!(said.code, Some(1), "{said:#?}");
    assert_eq!(fs::read(place.path("tree/SHA256SUMS")).unwrap(), before);
    check_digests(&place.path("tree"));
    assert_eq!(names(&place.path("")), beside, "the work is removed");
}

#[tokio::test]
async fn an_archive_is_as_nixos_anywhere_takes_it() {
    let place = Place::directory();
    let target = place.target();
    place.publish(["one"]).await;
    fs::write(place.path("static-kexec"), "a program").unwrap();
    let export = |file| {
        let program = ["--kexec-program", "static-kexec"];
        let arguments = ["export", "kexec", &target, PLAIN, "--tarball", file];
        place.succeeds(&[&arguments[..], &program].concat());
        fs::read(place.path(file)).unwrap()
    };
    let first = export("one.tar.gz");
    // An export replaces its own archive. Equal images give equal bytes.
    assert_eq!(export("two.tar.gz"), first);
    assert_eq!(export("one.tar.gz"), first);

    // As nixos-anywhere unpacks it.
    fs::create_dir(place.path("root")).unwrap();
    run("tar", &["-xzf", "../one.tar.gz"], &place.path("root"));
    let tree = place.path("root/kexec");
    assert_eq!(names(&tree), ["Image", "SHA256SUMS", "cmdline", "initrd", "kexec", "run"]);
    check_digests(&tree);
    run("test", &["-x", "run", "-a", "-x", "kexec", "-a", "!", "-x", "initrd"], &tree);
    let listed = run("tar", &["-tvzf", "one.tar.gz"], &place.path(""));
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.lines().all(|line| line.contains(" 0/0 ")), "{listed}");

    for foreign in [&b"mine"[..], b"\x1f\x8b\x08\0\0\0\0\0\0\0", b""] {
        fs::write(place.path("one.tar.gz"), foreign).unwrap();
        let said = place.fails(&["export", "kexec", &target, PLAIN, "--tarball", "one.tar.gz"]);
        assert!(said.contains("`one.tar.gz` would be lost"), "{said}");
        assert!(said.contains("what to do: move it elsewhere"), "{said}");
    }
    // The hint.
    export("three.tar.gz");
    fs::create_dir(place.path("a.tar.gz")).unwrap();
    let arguments = ["export", "kexec", &target, PLAIN, "--tarball", "a.tar.gz"];
    let said = place.fails(&arguments);
    assert!(said.contains("`a.tar.gz` would be lost"), "{said}");
    place.misuses(&arguments[..4]);
    place.misuses(&[&arguments[..], &["--output", "tree"]].concat());
    let said = place.misuses(&[&arguments[..5], &["a.tar"]].concat());
    assert!(said.contains("it does not end with `.tar.gz`"), "{said}");
}
