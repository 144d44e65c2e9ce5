//! Full disks: Nix's store, the directory of Nix's builders, and the state directory.

use std::error::Error as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use netboot_core::{Builder, Context};
use netboot_nix::Error;
use netboot_testbed::{HermeticNix, TestProcess, tool};

use crate::place::{Place, WITH_INIT, least_configuration, profile};

/// Starts the test `name` again in its own mount namespace, and runs `body` there. File systems
/// that `body` mounts are not visible elsewhere.
fn in_mount_namespace(name: &str, body: impl Future<Output = ()>) {
    if TestProcess::with_mounts(&format!("disk::{name}")).is_this() {
        tokio::runtime::Runtime::new().unwrap().block_on(body);
    }
}

/// A mounted file system, unmounted on drop.
struct Mounted(PathBuf);

impl Mounted {
    fn new(place: PathBuf, mebibytes: u32) -> Self {
        std::fs::create_dir_all(&place).unwrap();
        let size = format!("size={mebibytes}m");
        let mut command = Command::new(tool("mount"));
        command.args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&place);
        assert!(command.status().unwrap().success());
        Self(place)
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // A mount point cannot be removed.
        let _ = Command::new(tool("umount")).arg("-l").arg(&self.0).status();
    }
}

fn inner(error: &netboot_core::Error) -> Error {
    let inner = error.source().and_then(|source| source.downcast_ref::<Error>());
    inner.unwrap_or_else(|| panic!("no error of Nix: {error:?}")).clone()
}

fn flake(place: &Place, fill: &str) -> String {
    let configuration = least_configuration("x", fill, "{ }");
    place.flake(&format!("{{ nixosConfigurations.netboot-x.config = {configuration}; }}"))
}

/// The unfinished files in `directory`.
fn unfinished(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.display().to_string().contains("/.unfinished-")).collect()
}

#[test]
fn a_store_without_room() {
    in_mount_namespace("a_store_without_room", async {
        let place = Place::new();
        let flake = flake(&place, WITH_INIT);
        std::fs::write(place.path().join("own/large"), vec![1; 48 << 20]).unwrap();
        // The first disk has no room for Nix's database, the second has no room for the flake.
        for mebibytes in [2, 40] {
            let small = Mounted::new(place.path().join(format!("small-{mebibytes}")), mebibytes);
            let mut builder = place.builder(&flake);
            for (name, value) in HermeticNix::at(&small.0).environment() {
                builder = builder.environment(name, value);
            }
            let error = builder.build().unwrap().build(&profile("x"), &Context::new()).await;
            let error = inner(&error.unwrap_err());
            assert!(matches!(error, Error::DiskFull { .. }), "{error:?}");
            assert!(error.hint().unwrap().contains("free space"), "{error:?}");
        }
    });
}

#[tokio::test]
async fn a_builder_that_finds_no_room_where_nix_does_not_look() {
    let place = Place::new();
    let full = flake(&place, "echo x > /dev/full");
    let builder = place.builder(&full).build().unwrap();
    let error = inner(&builder.build(&profile("x"), &Context::new()).await.unwrap_err());
    assert!(matches!(error, Error::BuildFailed { .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("free space"), "{error:?}");
    let builder = place.builder(&flake(&place, &format!("echo x > root/x; {WITH_INIT}"))).build();
    builder.unwrap().build(&profile("x"), &Context::new()).await.unwrap();
}

#[test]
fn a_state_directory_without_room_for_the_log() {
    in_mount_namespace("a_state_directory_without_room_for_the_log", async {
        let place = Place::new();
        // Two megabytes in long lines, because Nix passes lines on one by one.
        let line = "a long line of a log ".repeat(20);
        let prints = format!("busybox yes {line} | busybox head -n 5000; {WITH_INIT}");
        let flake = flake(&place, &prints);
        let small = Mounted::new(place.path().join("small"), 1);
        let state = &small.0;
        let builder = place.builder(&flake).state_directory(state).build().unwrap();
        let error = builder.build(&profile("x"), &Context::new()).await;
        let error = inner(&error.unwrap_err());
        let Error::Io { path, .. } = &error else { panic!("{error:?}") };
        assert!(path.starts_with(state), "{}", path.display());
        assert!(error.hint().unwrap().contains("space"), "{error:?}");
        for directory in ["logs", "logs/derivations"] {
            assert_eq!(unfinished(&state.join(directory)), Vec::<PathBuf>::new());
        }
        let mut larger = Command::new(tool("mount"));
        larger.args(["-o", "remount,size=20m"]).arg(state);
        assert!(larger.status().unwrap().success());
        builder.build(&profile("x"), &Context::new()).await.unwrap();
    });
}
