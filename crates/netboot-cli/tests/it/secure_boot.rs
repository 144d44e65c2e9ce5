//! UKIs and keys for machines with Secure Boot, from the build to the published release.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use netboot_core::Context;
use netboot_qemu::{DirectoryServer, Firmware, FirmwareKeys, Machine};
use netboot_testbed::{DebianTree, TestFlake, Testbed, tool};
use walkdir::WalkDir;

use crate::image;
use crate::place::{Place, Said, assert_documented};
use crate::workplace::Workplace;

/// The options for the key that `secure-boot keys` made in `keys`.
const DB: [&str; 4] = ["--db-key", "keys/db.key", "--db-certificate", "keys/db.crt"];

fn stub(name: &str) -> String {
    DebianTree::systemd_efi(name).display().to_string()
}

fn ipxe() -> String {
    DebianTree::SID_IPXE.path("usr/lib/ipxe/ipxe.efi").display().to_string()
}

/// Asserts that sbverify verifies a program by a certificate in DER.
fn assert_verified(program: &Path, certificate: &Path) {
    let pem = certificate.with_extension("pem");
    let mut openssl = Command::new(tool("openssl"));
    openssl.args(["x509", "-inform", "DER", "-in"]).arg(certificate).arg("-out").arg(&pem);
    assert!(openssl.status().unwrap().success());
    let mut sbverify = Command::new(DebianTree::SECURE_BOOT.program("sbverify"));
    let said = sbverify.arg("--cert").arg(&pem).arg(program).output().unwrap();
    assert!(said.status.success(), "{said:?}");
}

/// Asserts that no file below a directory has the private key.
fn assert_no_key(directory: &Path, key: &Path) {
    let key = fs::read_to_string(key).unwrap();
    let line = key.lines().nth(3).unwrap();
    for file in WalkDir::new(directory).into_iter().filter_map(Result::ok) {
        if file.file_type().is_file() {
            let bytes = fs::read(file.path()).unwrap();
            let has = bytes.windows(line.len()).any(|window| window == line.as_bytes());
            assert!(!has, "{}", file.path().display());
        }
    }
}

#[tokio::test]
async fn a_uki_is_built_signed_published_exported_and_boots() {
    let place = Workplace::new();
    let run = |arguments: &[&str]| -> Said {
        let said: Said = place.netboot(arguments).into();
        assert_eq!(said.code, Some(0), "{arguments:?}: {said:#?}");
        said
    };
    run(&["secure-boot", "keys", "keys"]);
    let keys = place.path().join("keys");
    let flake = TestFlake::new(&Testbed::locate(), "uki").with_stubs();
    let flake = flake.write(&place.path().join("flake")).unwrap();
    let build = [&["build", "--flake", &flake, "--profile", "worker", "--json"], &DB[..]].concat();
    let first = run(&[&build[..], &["--to", "./pxe"]].concat());
    let object = first.json();
    assert_eq!(object["profiles"][0]["uki"], "artifacts/worker/worker.efi");
    let uki = place.path().join("artifacts/worker/worker.efi");
    assert_verified(&uki, &keys.join("db.crt"));
    let listed = run(&["list", "./pxe", "--json"]).json();
    assert_eq!(listed["releases"][0]["ukis"], serde_json::json!(["worker"]));

    let exported = run(&["export", "uki", "./pxe", "worker", "--output", "web.efi", "--json"]);
    assert_documented("export uki", &exported.json());
    let bytes = fs::read(&uki).unwrap();
    assert!(fs::read(place.path().join("web.efi")).unwrap() == bytes);
    // Another build makes the same bytes, and the published release stays.
    let again = run(&[&build[..], &["--to", "./pxe"]].concat()).json();
    assert!(fs::read(&uki).unwrap() == bytes);
    assert_eq!(again["targets"][0]["changed"], false);
    // The folder goes on to other targets with its UKI, without the key.
    run(&["publish", "artifacts/worker", "--to", "./other"]);
    run(&["export", "uki", "./other", "worker", "--output", "other.efi"]);
    assert!(fs::read(place.path().join("other.efi")).unwrap() == bytes);
    for directory in ["artifacts", "pxe", "other"] {
        assert_no_key(&place.path().join(directory), &keys.join("db.key"));
    }
    let said = format!("{}{}", first.stdout, first.stderr);
    assert!(!said.contains("PRIVATE KEY") && !said.contains("keys/db.key"), "{said}");

    let value = |name: &str| fs::read(keys.join(format!("{name}.esl")));
    let firmware =
        FirmwareKeys::new(value("PK").unwrap(), value("KEK").unwrap(), value("db").unwrap());
    let machine = Machine::builder()
        .firmware(Firmware::UefiSecureBoot)
        .firmware_keys(firmware.unwrap())
        .timeout(Duration::from_secs(600))
        .expect("NETBOOT-READY");
    let web = place.path().join("web");
    fs::create_dir(&web).unwrap();
    fs::rename(place.path().join("web.efi"), web.join("worker.efi")).unwrap();
    let server = DirectoryServer::start(&web).await.unwrap();
    let machine = machine.build().unwrap();
    let report = machine.boot_by_http(&server.url("worker.efi"), &Context::new()).await.unwrap();
    report.ensure_success().unwrap();
}

#[test]
fn an_existing_image_gets_a_uki_or_keeps_its_own() {
    let place = Place::directory();
    image::write(&place.path("worker"), "one=1");
    place.succeeds(&["secure-boot", "keys", "keys"]);
    let stub = stub("linuxx64.efi.stub");
    let publish = ["publish", "worker", "--to", "./pxe"];
    let unsigned = place.fails(&[&publish[..], &["--uki"]].concat());
    assert!(unsigned.contains("give `linuxx64.efi.stub` of systemd's package with `--uki-stub`"));
    place.succeeds(&[&publish[..], &DB, &["--uki-stub", &stub]].concat());
    place.succeeds(&["export", "uki", "./pxe", "worker", "--output", "worker/worker.efi"]);
    let signed = fs::read(place.path("worker/worker.efi")).unwrap();
    assert_verified(&place.path("worker/worker.efi"), &place.path("keys/db.crt"));

    // The UKI in the directory stays as it is, also with a key that could sign it again.
    let first = place.succeeds(&publish).stdout;
    assert_eq!(place.succeeds(&[&publish[..], &DB].concat()).stdout, first);
    place.succeeds(&["secure-boot", "keys", "others"]);
    let other = ["--db-key", "others/db.key", "--db-certificate", "others/db.crt"];
    let said = place.fails(&[&publish[..], &other].concat());
    assert!(said.contains("the key that signed it is not trusted"), "{said}");
    // A UKI of another image is refused, and one that was altered.
    let parameters = place.path("worker/kernel-params");
    let before = fs::read_to_string(&parameters).unwrap();
    fs::write(&parameters, format!("{before} two=2")).unwrap();
    let said = place.fails(&publish);
    assert!(said.contains("it is not the command line of the image"), "{said}");
    fs::write(&parameters, before).unwrap();
    let mut altered = signed.clone();
    let kernel = altered.len() / 2;
    altered[kernel] ^= 1;
    fs::write(place.path("worker/worker.efi"), altered).unwrap();
    let said = place.fails(&publish);
    assert!(said.contains("it has other bytes than the image's"), "{said}");

    // A UKI names its profile, so an image of another name is not published without a word.
    fs::write(place.path("worker/worker.efi"), &signed).unwrap();
    let renamed = ["publish", "worker", "--profile", "edge", "--to", "./edge"];
    let said = place.fails(&renamed);
    assert!(said.contains("(section .osrel)") && said.contains("remove the UKI"), "{said}");
    fs::write(place.path("worker/other.efi"), "x").unwrap();
    let said = place.fails(&renamed);
    assert!(said.contains("name the UKI of the image `edge.efi`"), "{said}");
    place.succeeds(&publish);
    place.succeeds(&["export", "uki", "./pxe", "worker", "--output", "again.efi"]);
    assert!(fs::read(place.path("again.efi")).unwrap() == signed);
    let said = place.misuses(&["export", "uki", "./pxe", "worker", "--output", "again.efi"]);
    assert!(said.contains("`again.efi` is there already"), "{said}");

    // Without a UKI, there is nothing to export.
    fs::remove_file(place.path("worker/worker.efi")).unwrap();
    fs::remove_file(place.path("worker/other.efi")).unwrap();
    place.succeeds(&["publish", "worker", "--to", "./none"]);
    let said = place.fails(&["export", "uki", "./none", "worker", "--output", "none.efi"]);
    assert!(said.contains("has no UKI") && said.contains("netboot publish --uki"), "{said}");
}

#[test]
fn programs_are_signed_and_inspected() {
    let place = Place::directory();
    let made = place.succeeds(&["secure-boot", "keys", "keys", "--name", "lab", "--json"]).json();
    assert_eq!(made["files"].as_array().unwrap().len(), 12);
    for file in made["files"].as_array().unwrap() {
        assert!(place.path(file.as_str().unwrap()).is_file(), "{file}");
    }
    let ipxe = ipxe();
    let said = place.misuses(&["secure-boot", "sign", &ipxe, "signed.efi"]);
    assert!(said.contains("--db-key FILE --db-certificate FILE"), "{said}");
    let sign = ["secure-boot", "sign", &ipxe, "signed.efi", "--json"];
    let signed = place.succeeds(&[&sign[..], &DB].concat()).json();
    assert_documented("secure-boot sign", &signed);
    assert_eq!(signed["signer"], "CN=lab db");
    assert_verified(&place.path("signed.efi"), &place.path("keys/db.crt"));

    let inspect = |file: &str, certificate: &str| {
        place.run(&["secure-boot", "inspect", file, "--db-certificate", certificate, "--json"])
    };
    let good = inspect("signed.efi", "keys/db.crt");
    assert_eq!((good.code, &good.json()["trusted"]), (Some(0), &true.into()), "{good:#?}");
    assert_documented("secure-boot inspect", &good.json());
    assert_eq!(good.json()["signatures"][0]["signer"], "CN=lab db");
    for (file, certificate) in [("signed.efi", "keys/KEK.crt"), (&ipxe, "keys/db.crt")] {
        let found = inspect(file, certificate);
        assert_eq!((found.code, &found.json()["trusted"]), (Some(3), &false.into()), "{found:#?}");
        let text = place.run(&["secure-boot", "inspect", file, "--db-certificate", certificate]);
        assert!(text.stdout.contains("what to do: "), "{text:#?}");
    }
    let text = place.succeeds(&["secure-boot", "inspect", "signed.efi"]).stdout;
    assert!(text.contains("section .text: ") && text.contains("signed by CN=lab db"), "{text}");

    // The command of netboot.toml signs as the key does.
    let openssl = tool("openssl").display().to_string();
    let table = format!(
        "[secure-boot]\ncertificate = \"keys/db.crt\"\n\
         command = [\"{openssl}\", \"dgst\", \"-sha256\", \"-sign\", \"{}\"]\n",
        place.path("keys/db.key").display()
    );
    fs::write(place.path("netboot.toml"), table).unwrap();
    place.succeeds(&["secure-boot", "sign", &ipxe, "by-command.efi"]);
    let bytes = |name: &str| fs::read(place.path(name)).unwrap();
    assert!(bytes("by-command.efi") == bytes("signed.efi"));
    let addon = ["secure-boot", "addon", "node17.addon.efi", "--parameter", "systemd.hostname=n17"];
    let stub = stub("addonx64.efi.stub");
    let addon = [&addon[..], &["--parameter", "quiet", "--stub", &stub, "--json"]].concat();
    let made = place.succeeds(&addon).json();
    assert_documented("secure-boot addon", &made);
    assert_eq!(made["command_line"], "systemd.hostname=n17 quiet");
    assert_verified(&place.path("node17.addon.efi"), &place.path("keys/db.crt"));
}

#[test]
fn a_table_that_does_not_say_who_signs_is_refused() {
    let place = Place::directory();
    let said = |table: &str| {
        fs::write(place.path("netboot.toml"), format!("[secure-boot]\n{table}\n")).unwrap();
        place.misuses(&["secure-boot", "sign", &ipxe(), "signed.efi"])
    };
    let without = said("key = \"db.key\"");
    assert!(
        without.contains("write the file of the certificate that the firmware of machines has")
    );
    for table in ["certificate = \"db.crt\"", "certificate = \"a\"\nkey = \"b\"\ncommand = [\"c\"]"]
    {
        let neither = said(table);
        assert!(
            neither.contains("write key, the file of the private key, or command"),
            "{neither}"
        );
    }
    place.succeeds(&["secure-boot", "keys", "keys"]);
    let table = "[secure-boot]\ncertificate = \"keys/db.crt\"\nkey = \"keys/db.key\"\n";
    fs::write(place.path("netboot.toml"), table).unwrap();
    place.succeeds(&["secure-boot", "sign", &ipxe(), "signed.efi"]);
}

#[test]
fn keys_replace_nothing() {
    let place = Place::directory();
    place.succeeds(&["secure-boot", "keys", "keys"]);
    let key: PathBuf = place.path("keys/db.key");
    let before = fs::read(&key).unwrap();
    let said = place.fails(&["secure-boot", "keys", "keys"]);
    assert!(said.contains("remove keys/db.key, or write into another directory"), "{said}");
    assert_eq!(fs::read(&key).unwrap(), before);
}
