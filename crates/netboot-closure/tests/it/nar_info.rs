//! The descriptions of a binary cache, and the keys that sign them.

use std::fs;
use std::os::unix::fs::symlink;

use netboot_closure::{Error, IndexEntry, NarInfo, NixPublicKey, NixSecretKey, Sha256, StorePath};
use tempfile::TempDir;

use crate::nix_store::{nix, text};

fn path(digit: &str, name: &str) -> StorePath {
    StorePath::from_base_name(&format!("{}-{name}", digit.repeat(32))).unwrap()
}

fn info() -> NarInfo {
    NarInfo::new(&IndexEntry {
        path: path("2", "hello-2.12"),
        blob: Sha256::from_bytes([1; 32]),
        blob_size: 300,
        nar_hash: Sha256::from_bytes([2; 32]),
        nar_size: 1000,
        unpacked_bytes: 4096,
        inodes: 2,
        deriver: Some(path("3", "hello-2.12.drv")),
        references: vec![path("2", "hello-2.12"), path("1", "glibc")],
    })
}

fn key() -> NixSecretKey {
    NixSecretKey::from_seed("cache.example.org-1", [7; 32]).unwrap()
}

#[test]
fn only_a_description_of_this_form_is_read() {
    for info in [info(), key().sign(info())] {
        let text = info.to_string();
        assert_eq!(text.parse::<NarInfo>().unwrap(), info);
        let signed = key().sign(info.clone()).to_string();
        assert_eq!(info.signed_length("cache.example.org-1"), signed.len() as u64);
        for length in 0..text.len() {
            // A description without its last lines is another description.
            let cut = text[..length].parse::<NarInfo>();
            assert!(cut.is_err() || cut.is_ok_and(|cut| cut.to_string() == text[..length]));
        }
        assert!(format!("{text}CA: fixed\n").parse::<NarInfo>().is_err());
        assert!(text.replace('\n', "\r\n").parse::<NarInfo>().is_err());
        for line in ["Compression: xz", "FileSize: 0300", "URL: nar/", "URL: blobs/02"] {
            let (name, _) = line.split_once(": ").unwrap();
            let old = text.lines().find(|text| text.starts_with(name)).unwrap();
            assert!(text.replace(old, line).parse::<NarInfo>().is_err(), "{line}");
        }
    }
}

#[test]
fn a_key_signs_what_its_public_half_confirms() {
    let (key, signed) = (key(), key().sign(info()));
    let public: NixPublicKey = key.public_key().to_string().parse().unwrap();
    assert_eq!(&public, key.public_key());
    assert!(public.has_signed(&signed) && !public.has_signed(&info()));
    assert_eq!(signed.signature().unwrap().key_name(), "cache.example.org-1");
    for altered in [
        signed.to_string().replace("NarSize: 1000", "NarSize: 1001"),
        signed.to_string().replace("hello-2.12\n", "hello-2.13\n"),
        signed.to_string().replace("References: 1", "References: 0"),
    ] {
        let altered: Result<NarInfo, _> = altered.parse();
        assert!(altered.is_err() || altered.is_ok_and(|altered| !public.has_signed(&altered)));
    }
    let other = NixSecretKey::from_seed("cache.example.org-1", [8; 32]).unwrap();
    assert!(!other.public_key().has_signed(&signed), "another key of this name");
}

#[test]
fn a_secret_key_is_read_from_a_regular_file_and_never_shown() {
    let directory = TempDir::new().unwrap();
    let (secret, public) = (directory.path().join("secret"), directory.path().join("public"));
    let arguments = ["--generate-binary-cache-key", "cache.example.org-1"];
    let files = [secret.to_str().unwrap(), public.to_str().unwrap()];
    nix(directory.path(), "nix-store", &[&arguments[..], &files].concat(), None);
    let key = NixSecretKey::read(&secret).unwrap();
    let published = text(fs::read(&public).unwrap());
    assert_eq!(key.public_key().to_string(), published);

    let written = fs::read_to_string(&secret).unwrap();
    let (_, base64) = written.trim().split_once(':').unwrap();
    let shown = format!("{key:?}");
    assert!(shown.contains(&published) && !shown.contains(&base64[..8]), "{shown}");
    // The halves of two keys, a cut key, and a link to a key.
    let halves = format!("{}{}", &written[..60], &"A".repeat(written.trim().len() - 60));
    for wrong in [&halves, &written[..written.len() / 2], "name:", ":", ""] {
        let error = wrong.parse::<NixSecretKey>().unwrap_err();
        assert!(matches!(error, Error::NixKey { .. }), "{error:?}");
        assert!(!format!("{error:?} {error}").contains(&base64[..8]));
    }
    fs::remove_file(&public).unwrap();
    symlink("/dev/zero", &public).unwrap();
    assert!(matches!(NixSecretKey::read(&public).unwrap_err(), Error::Artifact(_)));
}
