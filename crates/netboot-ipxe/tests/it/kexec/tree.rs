//! The content of a tree.

use netboot_closure::boot_parameter::BootParameters;
use netboot_core::{ArtifactKind, BytesArtifact, Sha256Digest};
use netboot_ipxe::Error;
use netboot_ipxe::kexec::{KexecForm, KexecTree};

use super::{bytes, tree};
use crate::images::{closure_image, image};

const TARGET: &str = "http://10.0.0.1/nixos/";
const MIRROR: &str = "http://10.0.0.2/nixos";

async fn contents(tree: &KexecTree, form: KexecForm) -> Vec<(&'static str, String)> {
    let mut contents = Vec::new();
    for file in tree.files(form).unwrap() {
        contents.push((file.name, String::from_utf8(bytes(&file).await).unwrap()));
    }
    contents
}

#[tokio::test]
async fn a_tree_has_the_files_of_its_image() {
    let image = image("worker", "The worker", &["loglevel=4"], &["first", "second"]);
    let tree = tree(&image, &[]).await.unwrap();
    let line = "init=/nix/store/0a1b2c-nixos-system-worker/init loglevel=4";
    assert_eq!(tree.command_line(), line);
    for form in [KexecForm::Tree, KexecForm::Installer] {
        let files = contents(&tree, form).await;
        let names: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["bzImage", "initrd", "cmdline", form.script_name(), "SHA256SUMS"]);
        assert_eq!(files[0].1, "bzImage");
        assert_eq!(files[1].1, "first\0\0\0second");
        assert_eq!(files[2].1, format!("{line}\n"));
        let digests = files[..4]
            .iter()
            .map(|(name, content)| format!("{}  {name}\n", Sha256Digest::of(content.as_bytes())));
        assert_eq!(files[4].1, digests.collect::<String>());
        // Equal images give equal bytes.
        assert_eq!(contents(&tree, form).await, files);
    }
}

#[tokio::test]
async fn a_program_goes_along_and_has_a_digest() {
    let image = image("worker", "The worker", &[], &["initrd"]);
    let program = BytesArtifact::new(ArtifactKind::Document, "kexec-static", "a program").unwrap();
    let tree = tree(&image, &[]).await.unwrap().with_program(program);
    let files = tree.files(KexecForm::Installer).unwrap();
    let programs: Vec<&str> =
        files.iter().filter(|file| file.is_program).map(|file| file.name).collect();
    assert_eq!(programs, ["run", "kexec"]);
    let digests = String::from_utf8(bytes(files.last().unwrap()).await).unwrap();
    assert!(digests.contains(&format!("{}  kexec\n", Sha256Digest::of(b"a program"))));
}

/// Also follows the hint of the error.
#[tokio::test]
async fn a_closure_is_fetched_from_whole_urls() {
    let closure = closure_image("worker", &["quiet"]);
    let error = tree(&closure, &[]).await.unwrap_err();
    assert!(matches!(error, Error::KexecWithoutSource { .. }), "{error:?}");

    let line = tree(&closure, &[TARGET, MIRROR]).await.unwrap().command_line().to_owned();
    let read = BootParameters::from_command_line(&line).unwrap();
    let digest = *closure.closure().unwrap().index.sha256().as_bytes();
    let digest = netboot_closure::Sha256::from_bytes(digest);
    assert_eq!(read.index, Some(digest));
    let blobs: Vec<String> =
        read.from.iter().map(|source| source.blob(&digest).to_string()).collect();
    let server = |number| format!("http://10.0.0.{number}/nixos/blobs/{digest}");
    assert_eq!(blobs, [server(1), server(2)]);
    let init = "init=/nix/store/0a1b2c-nixos-system-worker/init";
    assert!(line.starts_with(&format!("{init} ip=:::::BOOTIF:dhcp quiet netboot.from=")), "{line}");
    // The script adds it.
    assert_eq!(read.boot_interface, None);

    let own = closure_image("worker", &["netboot.from=http://10.0.0.9/", "ip=eth0:dhcp"]);
    let line = tree(&own, &[]).await.unwrap().command_line().to_owned();
    let read = BootParameters::from_command_line(&line).unwrap();
    assert_eq!(read.from.len(), 1);
    assert!(!line.contains("ip=:::::"), "{line}");
}

#[tokio::test]
async fn a_place_that_stage_1_cannot_fetch_from_is_refused() {
    let closure = closure_image("worker", &[]);
    for url in ["https://10.0.0.1/", "http://user:secret@10.0.0.1/", "http://10.0.0.1/?a=b"] {
        let error = tree(&closure, &[url]).await.unwrap_err();
        assert!(matches!(error, Error::UnusableClosureSource { .. }), "{error:?}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    let error = tree(&closure_image("worker", &["netboot.index=00"]), &[TARGET]).await.unwrap_err();
    assert!(matches!(error, Error::ReservedParameter { .. }), "{error:?}");
}

#[tokio::test]
async fn the_card_has_room_on_the_command_line() {
    let closure = |length| {
        let halves = [1000, length].map(|length| "x".repeat(length));
        closure_image("worker", &halves.each_ref().map(String::as_str))
    };
    let sources = ["http://10.0.0.1/"];
    let card = "BOOTIF=01-52-54-00-12-34-56 ".len();
    let shortest = card + tree(&closure(1), &sources).await.unwrap().command_line().len();
    // The limit of Linux is 2047 bytes.
    let greatest = 1 + 2047 - shortest;
    tree(&closure(greatest), &sources).await.unwrap();
    let error = tree(&closure(greatest + 1), &sources).await.unwrap_err();
    assert!(matches!(error, Error::CommandLineTooLong { length: 2048, .. }), "{error:?}");
}
