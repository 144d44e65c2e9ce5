//! Files that callers name and that are no regular files: an error at once, and no waiting.

use std::fs;
use std::os::unix::net::UnixListener;

use netboot_core::{
    Architecture, Artifact, ArtifactKind, Context, Error, FileArtifact, FileName, PrebuiltBuilder,
    PrebuiltImage, Profile, ProfileSpec, inspect, open_regular_file, read_regular_file,
};
use netboot_testbed::PATIENCE;
use tempfile::TempDir;

use crate::beneath::make_pipe;

/// Every reader of a file that a caller names fails at once, whatever lies there.
#[tokio::test]
async fn nothing_waits_for_a_pipe_a_socket_or_a_device() {
    let work = TempDir::new().unwrap();
    let path = |name: &str| work.path().join(name);
    make_pipe(&path("pipe"));
    std::os::unix::fs::symlink("pipe", path("link")).unwrap();
    let _socket = UnixListener::bind(path("socket")).unwrap();
    let places = [path("pipe"), path("link"), path("socket"), "/dev/zero".into(), path("")];
    for place in places {
        let context = Context::new();
        let kernel = FileName::new("bzImage").unwrap();
        let read = async {
            [
                open_regular_file(&place).unwrap_err(),
                read_regular_file(&place, 10).unwrap_err(),
                FileArtifact::open(ArtifactKind::Kernel, kernel, &place, &context)
                    .await
                    .unwrap_err(),
                inspect::check_kernel(&place, Architecture::X86_64).await.unwrap_err(),
                inspect::inspect_initrd(&place, &context).await.unwrap_err(),
                ProfileSpec::load(&place).await.unwrap_err(),
            ]
        };
        let errors = tokio::time::timeout(PATIENCE, read).await.unwrap();
        for error in errors {
            assert!(matches!(error, Error::NotAFile { .. }), "{}: {error:?}", place.display());
        }
    }
}

#[tokio::test]
async fn an_artifact_that_became_a_pipe_is_told() {
    let work = TempDir::new().unwrap();
    let place = work.path().join("bzImage");
    fs::write(&place, "kernel").unwrap();
    let name = FileName::new("bzImage").unwrap();
    let artifact =
        FileArtifact::open(ArtifactKind::Kernel, name, &place, &Context::new()).await.unwrap();
    fs::remove_file(&place).unwrap();
    make_pipe(&place);
    let opened = tokio::time::timeout(PATIENCE, artifact.open()).await.unwrap();
    assert!(matches!(opened.err(), Some(Error::NotAFile { .. })));
}

#[tokio::test]
async fn a_prebuilt_image_s_files_are_files_of_a_sensible_size() {
    let work = TempDir::new().unwrap();
    for name in ["bzImage", "initrd", "init"] {
        fs::write(work.path().join(name), "/nix/store/x/init").unwrap();
    }
    let parameters = work.path().join("kernel-params");
    let profile = ProfileSpec::new("worker").unwrap();
    let build = async || {
        let image = PrebuiltImage::directory(work.path());
        let builder = PrebuiltBuilder::new().with_image(profile.name().clone(), image).unwrap();
        let context = Context::new();
        let built = netboot_core::Builder::build(&builder, &profile, &context);
        tokio::time::timeout(PATIENCE, built).await.unwrap().unwrap_err()
    };
    make_pipe(&parameters);
    assert!(format!("{:?}", build().await).contains("NotAFile"));
    fs::remove_file(&parameters).unwrap();
    fs::File::create(&parameters).unwrap().set_len(1 << 40).unwrap();
    assert!(format!("{:?}", build().await).contains("FileTooLarge"));
}

#[test]
fn a_file_is_read_up_to_its_limit() {
    let work = TempDir::new().unwrap();
    let key = work.path().join("key");
    fs::write(&key, "12345").unwrap();
    assert_eq!(read_regular_file(&key, 5).unwrap(), b"12345");
    let error = read_regular_file(&key, 4).unwrap_err();
    assert!(matches!(error, Error::FileTooLarge { limit: 4, .. }), "{error:?}");
    assert!(matches!(netboot_core::read_regular_text(&key, 5).as_deref(), Ok("12345")));
    fs::write(&key, b"\xff").unwrap();
    assert!(matches!(netboot_core::read_regular_text(&key, 5), Err(Error::Io { .. })));
}
