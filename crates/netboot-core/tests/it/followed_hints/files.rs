//! Files that cannot be read or are something else.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use netboot_core::beneath::Directory;
use netboot_core::{
    Artifact, ArtifactKind, Builder, Bulkhead, Context, Error, FileArtifact, FileName,
    PrebuiltBuilder, PrebuiltImage, ProfileSpec, read_regular_file, read_regular_text,
};
use netboot_testbed::{TestProcess, tool};
use tempfile::TempDir;

use super::assert_hint;
use crate::boot_files::{bz_image, cpio};

async fn open(path: &Path) -> Result<FileArtifact, Error> {
    let name = FileName::new("bzImage").unwrap();
    FileArtifact::open(ArtifactKind::Kernel, name, path, &Context::new()).await
}

#[tokio::test]
async fn a_path_that_was_corrected_is_opened() {
    let directory = TempDir::new().unwrap();
    let kernel = directory.path().join("bzImage");
    fs::write(&kernel, "the kernel").unwrap();

    let misspelt = directory.path().join("bzImag");
    let error = open(&misspelt).await.unwrap_err();
    assert_hint(&error, &format!("check the spelling of the path: `{}`", misspelt.display()));
    let error = open(directory.path()).await.unwrap_err();
    assert_hint(&error, "give the path of a file, not of a directory");
    let error = read_regular_file(&kernel, 4).unwrap_err();
    assert_hint(&error, "check that the path names the right file");
    let short = directory.path().join("key");
    fs::write(&short, "1234").unwrap();
    read_regular_file(&short, 4).unwrap();
    open(&kernel).await.unwrap();

    let text = directory.path().join("profiles.toml");
    let latin1 = b"[[profiles]]\nname = \"worker\"\ntitle = \"gr\xfcn\"\n";
    fs::write(&text, latin1).unwrap();
    let error = ProfileSpec::load(&text).await.unwrap_err();
    assert_hint(&error, &format!("save `{}` as UTF-8 text", text.display()));
    fs::write(&text, String::from_utf8_lossy(latin1).as_bytes()).unwrap();
    assert_eq!(ProfileSpec::load(&text).await.unwrap().len(), 1);
    assert!(read_regular_text(&text, 1000).is_ok());
}

#[tokio::test]
async fn a_file_that_a_finished_build_wrote_anew_is_read() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("bzImage");
    fs::write(&path, "the kernel").unwrap();
    let artifact = open(&path).await.unwrap();
    fs::write(&path, "the next kernel").unwrap();
    let error = artifact.open().await.err().unwrap();
    assert_hint(&error, "build into a new file instead of overwriting the old one");

    let artifact = open(&path).await.unwrap();
    let new = directory.path().join("bzImage.new");
    fs::write(&new, "the third kernel").unwrap();
    artifact.open().await.unwrap();
    assert_ne!(open(&new).await.unwrap().sha256(), artifact.sha256());
}

#[test]
fn a_link_that_was_replaced_is_opened() {
    let directory = TempDir::new().unwrap();
    fs::create_dir(directory.path().join("elsewhere")).unwrap();
    let blobs = directory.path().join("blobs");
    symlink("elsewhere", &blobs).unwrap();
    let root = Directory::open(directory.path()).unwrap();
    let error = root.directory("blobs").unwrap_err();
    assert!(matches!(error, Error::SymbolicLink { .. }), "{error:?}");
    assert_hint(&error, "find out who made the link, and replace");
    fs::remove_file(&blobs).unwrap();
    fs::create_dir(&blobs).unwrap();
    assert!(root.directory("blobs").unwrap().is_some());
}

#[tokio::test]
async fn a_file_system_that_answers_again_is_used() {
    let (release, hang) = std::sync::mpsc::channel::<()>();
    let bulkhead = Bulkhead::new("published", 2, Duration::from_millis(100));
    let error = bulkhead.run(move || hang.recv()).await.unwrap_err();
    assert_hint(&error, "check the disk or the network server that stores `published`, and try");
    drop(release);
    let patient = bulkhead.with_limit(netboot_testbed::PATIENCE);
    assert_eq!(patient.run(|| 7).await.unwrap(), 7);
}

#[tokio::test]
async fn an_initrd_that_was_copied_again_is_taken() {
    let directory = TempDir::new().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(directory.path().join(name), bytes).unwrap();
    let init = "nix/store/0a-nixos-system/init";
    write("bzImage", &bz_image(10));
    write("init", format!("/{init}\n").as_bytes());
    write("kernel-params", b"loglevel=4\n");
    let builder = PrebuiltBuilder::new()
        .with_image("worker", PrebuiltImage::directory(directory.path()))
        .unwrap();
    let profile = ProfileSpec::new("worker").unwrap();
    let original = cpio(&[("init", b"#!/bin/sh\n"), (init, b"#!/bin/sh\n")]);
    let build = async || builder.build(&profile, &Context::new()).await;

    write("initrd", &original[..original.len() / 2]);
    let error = build().await.unwrap_err();
    assert_hint(&error, "build or copy the initrd again, and compare its size and SHA-256 digest");
    write("initrd", &original);
    build().await.unwrap();

    write("bzImage", b"");
    let error = build().await.unwrap_err();
    assert_hint(&error, "build or copy the file again: the last attempt did not finish");
    write("bzImage", &bz_image(10));
    build().await.unwrap();
}

fn mount(arguments: &[&str]) {
    assert!(Command::new(tool("mount")).args(arguments).status().unwrap().success());
}

/// Writes a file of 64 KiB the way that this crate writes.
fn write(directory: &Path, name: &str) -> Result<(), Error> {
    let root = Directory::open(directory)?;
    let mut file = root.create_file(name)?;
    let path = directory.join(name);
    std::io::Write::write_all(&mut file, &vec![7; 64 << 10])
        .map_err(|error| Error::io("write", path, error))
}

#[test]
fn a_file_system_that_has_room_and_is_writable_is_written_to() {
    let name = "followed_hints::files::a_file_system_that_has_room_and_is_writable_is_written_to";
    if !TestProcess::with_mounts(name).is_this() {
        return;
    }
    let work = TempDir::new().unwrap();
    let directory = work.path().join("small");
    fs::create_dir(&directory).unwrap();
    let path = directory.to_str().unwrap();
    mount(&["-t", "tmpfs", "-o", "size=32k", "none", path]);
    let error = write(&directory, "one").unwrap_err();
    assert_hint(&error, "free space on the file system of");
    mount(&["-o", "remount,size=1m", path]);
    write(&directory, "two").unwrap();

    mount(&["-o", "remount,ro", path]);
    let error = write(&directory, "three").unwrap_err();
    assert_hint(&error, "as writable, or use another directory");
    mount(&["-o", "remount,rw", path]);
    write(&directory, "three").unwrap();
    assert!(Command::new(tool("umount")).args(["-l", path]).status().unwrap().success());
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Work that a permission may forbid.
type Work<'a> = &'a dyn Fn() -> Result<(), Error>;

/// The remedy names the directory or file that refuses the user, and fits what was refused.
#[test]
fn a_directory_that_the_user_may_use_is_used() {
    let directory = TempDir::new().unwrap();
    set_mode(directory.path(), 0o755);
    let name = "followed_hints::files::a_directory_that_the_user_may_use_is_used";
    if !TestProcess::without_root(directory.path(), name).is_this() {
        return;
    }
    let own = directory.path();
    let (closed, inner) = (own.join("closed"), own.join("closed/inner"));
    fs::create_dir_all(&inner).unwrap();
    let file = inner.join("file");
    fs::write(&file, "text").unwrap();
    let read = || read_regular_text(&file, 100).map(drop);
    let list = || Directory::open(&inner).unwrap().names().map(drop);
    let create = || Directory::open(&inner).unwrap().create_file("new").map(drop);
    let delete = || Directory::open(&inner).unwrap().remove("file").map(drop);
    let lock = || Directory::open(&inner).unwrap().lock_file("file").map(drop);
    let cases: [(Work<'_>, &Path, u32, &str, &Path); 6] = [
        (&read, &closed, 0o600, "let this user enter the directory `{}`", &closed),
        (&read, &file, 0o000, "let this user read `{}`", &file),
        (&list, &inner, 0o300, "let this user list and enter the directory `{}`", &inner),
        (&create, &inner, 0o500, "let this user write to the directory `{}`", &inner),
        (&lock, &file, 0o400, "let this user write to `{}`", &file),
        (&delete, &inner, 0o500, "let this user write to the directory `{}`", &inner),
    ];
    for (work, changed, mode, expected, named) in cases {
        let sound = fs::metadata(changed).unwrap().permissions().mode();
        set_mode(changed, mode);
        let error = work().unwrap_err();
        let expected = expected.replace("{}", &named.display().to_string());
        assert_eq!(error.hint().unwrap(), expected, "{error}");
        set_mode(changed, sound);
        work().unwrap();
    }
}

#[test]
fn a_path_that_leads_through_no_file_is_opened() {
    let own = TempDir::new().unwrap();
    fs::write(own.path().join("file"), "text").unwrap();
    let path = own.path().join("file/below");
    let error = read_regular_text(&path, 100).unwrap_err();
    assert_hint(&error, &format!("a part of `{}` is a file, and not a directory", path.display()));
    read_regular_text(own.path().join("file"), 100).unwrap();
}

/// The rights of root are above those of files.
#[tokio::test]
async fn a_file_that_the_user_may_read_is_read() {
    let directory = TempDir::new().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let name = "followed_hints::files::a_file_that_the_user_may_read_is_read";
    if !TestProcess::without_root(directory.path(), name).is_this() {
        return;
    }
    let kernel = directory.path().join("bzImage");
    fs::write(&kernel, "the kernel").unwrap();
    let set_mode = |mode| set_mode(&kernel, mode);
    set_mode(0o000);
    let error = open(&kernel).await.unwrap_err();
    assert_hint(&error, &format!("let this user read `{}`", kernel.display()));
    set_mode(0o400);
    open(&kernel).await.unwrap();
}
