//! A directory by its handle: whatever others put in place of a name, nothing outside is reached.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use netboot_core::Error;
use netboot_core::beneath::{Directory, Found};
use netboot_testbed::TestProcess;
use rustix::fs::{CWD, FileType, Mode};
use tempfile::TempDir;

/// A directory with a `victim` outside of it.
fn scene() -> (TempDir, Directory) {
    let work = TempDir::new().unwrap();
    for name in ["root", "victim"] {
        fs::create_dir(work.path().join(name)).unwrap();
    }
    fs::write(work.path().join("victim/secret"), "secret").unwrap();
    let directory = Directory::open(work.path().join("root")).unwrap();
    (work, directory)
}

pub(crate) fn make_pipe(path: &Path) {
    let mode = Mode::from_raw_mode(0o644);
    rustix::fs::mknodat(CWD, path, FileType::Fifo, mode, 0).unwrap();
}

fn text(mut file: File) -> String {
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn each_kind_of_thing_is_told() {
    let (work, directory) = scene();
    let root = work.path().join("root");
    fs::write(root.join("file"), "12345").unwrap();
    fs::create_dir(root.join("directory")).unwrap();
    make_pipe(&root.join("pipe"));
    let _socket = UnixListener::bind(root.join("socket")).unwrap();
    for (name, target) in
        [("out", "../victim"), ("secret", "/etc/passwd"), ("loop", "loop"), ("dangling", "no")]
    {
        symlink(target, root.join(name)).unwrap();
        assert_eq!(directory.look(name).unwrap(), Some(Found::Link { target: target.into() }));
        let refused =
            |error| matches!(error, Error::SymbolicLink { path } if path == root.join(name));
        assert!(refused(directory.file(name).unwrap_err()));
        assert!(refused(directory.directory(name).unwrap_err()));
        assert!(refused(directory.create_directory(name).unwrap_err()));
        assert!(refused(directory.lock_file(name).unwrap_err()));
        assert!(directory.create_file(name).is_err());
    }
    for name in ["pipe", "socket", "directory"] {
        assert!(matches!(directory.file(name), Err(Error::NotAFile { .. })), "{name}");
        assert!(matches!(directory.lock_file(name), Err(Error::NotAFile { .. })), "{name}");
    }
    for name in ["pipe", "socket", "file"] {
        assert!(matches!(directory.directory(name), Err(Error::Io { .. })), "{name}");
        assert!(matches!(directory.create_directory(name), Err(Error::Io { .. })), "{name}");
    }
    assert_eq!(directory.look("pipe").unwrap(), Some(Found::Other));
    assert_eq!(directory.look("directory").unwrap(), Some(Found::Directory));
    assert!(matches!(directory.look("file").unwrap(), Some(Found::File { size: 5, .. })));
    assert_eq!(text(directory.file("file").unwrap().unwrap()), "12345");
    assert!(directory.look("no").unwrap().is_none() && directory.file("no").unwrap().is_none());
    assert!(!work.path().join("root/no").exists());

    // A link is deleted itself.
    assert!(directory.remove("out").unwrap() && !directory.remove("out").unwrap());
    assert_eq!(fs::read_to_string(work.path().join("victim/secret")).unwrap(), "secret");
}

#[test]
fn a_path_is_no_name() {
    let (_work, directory) = scene();
    for name in ["", ".", "..", "/", "a/b", "../victim", "/etc", "a/", "./a"] {
        assert!(directory.look(name).is_err(), "{name}");
        assert!(directory.file(name).is_err(), "{name}");
        assert!(directory.create_file(name).is_err(), "{name}");
        assert!(directory.create_directory(name).is_err(), "{name}");
        assert!(directory.remove(name).is_err(), "{name}");
        assert!(!directory.remove_empty_directory(name), "{name}");
        assert!(directory.rename("x", &directory, name).is_err(), "{name}");
        assert!(directory.create_link(name, "x").is_err(), "{name}");
    }
    assert!(directory.directory_at("../victim").is_err());
}

#[test]
fn a_file_of_a_victim_under_a_lock_s_name_keeps_its_bytes_and_mode() {
    let (work, directory) = scene();
    let victim = work.path().join("victim/secret");
    rustix::fs::chmod(&victim, Mode::from_raw_mode(0o600)).unwrap();
    fs::hard_link(&victim, work.path().join("root/lock")).unwrap();
    directory.lock_file("lock").unwrap();
    assert!(directory.create_file("lock").is_err());
    assert_eq!(fs::read_to_string(&victim).unwrap(), "secret");
    assert_eq!(fs::metadata(&victim).unwrap().mode() & 0o777, 0o600);
}

#[test]
fn links_lead_to_files_beneath_and_never_outside() {
    let (work, directory) = scene();
    let root = work.path().join("root");
    fs::create_dir_all(root.join("a/b")).unwrap();
    fs::write(root.join("a/b/file"), "inside").unwrap();
    make_pipe(&root.join("a/pipe"));
    let inside = [
        ("one", "a/b/file"),
        ("two", "one"),
        ("a/up", "../a/b/file"),
        ("a/directory", "b"),
        ("a/dots", "./b/../b/./file"),
    ];
    let absolute = root.join("a/b/file");
    let outside = [
        ("out", "../victim/secret"),
        ("a/out", "../../victim/secret"),
        ("tree", "../victim"),
        ("absolute", absolute.to_str().unwrap()),
        ("passwd", "/etc/passwd"),
        ("self", "self"),
        ("round", "a/back"),
        ("a/back", "../round"),
        ("through", "out"),
    ];
    for (name, target) in inside.into_iter().chain(outside) {
        symlink(target, root.join(name)).unwrap();
    }
    for path in ["one", "two", "a/up", "a/directory/file", "a/dots", "a/b/file"] {
        let file = directory.file_through_links(path).unwrap().unwrap();
        assert_eq!(text(file), "inside", "{path}");
    }
    for path in ["out", "a/out", "tree/secret", "absolute", "passwd", "self", "round", "through"] {
        let error = directory.file_through_links(path).unwrap_err();
        assert!(matches!(error, Error::SymbolicLink { .. }), "{path}: {error:?}");
    }
    for path in ["../victim/secret", "/etc/passwd", "a/../../victim/secret"] {
        assert!(directory.file_through_links(path).is_err(), "{path}");
    }
    for path in ["a", "a/pipe", "", "a/directory"] {
        let error = directory.file_through_links(path).unwrap_err();
        assert!(matches!(error, Error::NotAFile { .. }), "{path}: {error:?}");
    }
    assert!(directory.file_through_links("a/no/file").unwrap().is_none());
}

/// Another thread turns a name from a directory into a link and back, as fast as it can.
#[test]
fn a_name_that_changes_all_the_time_leads_nowhere_else() {
    let (work, directory) = scene();
    let root = work.path().join("root");
    let (place, aside) = (root.join("worker"), root.join("aside"));
    fs::create_dir(&place).unwrap();
    let stop = AtomicBool::new(false);
    let mut written = 0;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let link = root.join("link");
            while !stop.load(Ordering::Relaxed) {
                symlink("../victim", &link).unwrap();
                fs::rename(&place, &aside).unwrap();
                fs::rename(&link, &place).unwrap();
                fs::remove_file(&place).unwrap();
                fs::rename(&aside, &place).unwrap();
            }
        });
        for _ in 0..20_000 {
            // It may be a link or missing at any moment.
            if let Ok(Some(worker)) = directory.directory("worker") {
                let file = worker.create_file("new");
                written += usize::from(file.is_ok());
                worker.remove("new").ok();
                worker.remove("secret").ok();
            }
            if let Ok(Some(file)) = directory.file_through_links("worker/secret") {
                panic!("read {}", text(file));
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(written > 0);
    let names: Vec<_> = fs::read_dir(work.path().join("victim")).unwrap().collect();
    assert_eq!(names.len(), 1, "{names:?}");
    assert_eq!(fs::read_to_string(work.path().join("victim/secret")).unwrap(), "secret");
}

/// Names the umask in the process in which every change of a mode is refused.
const UMASK: &str = "NETBOOT_TEST_UMASK";

/// CIFS and FUSE give every file one mode, and refuse to change it. `strace` refuses like them.
#[test]
fn a_refused_mode_is_an_error_only_if_the_file_has_too_few_permissions() {
    if let Ok(umask) = std::env::var(UMASK) {
        let (work, directory) = scene();
        let is_refused = |error: &Error| {
            let Error::Io { source, .. } = error else { return false };
            source.raw_os_error() == Some(rustix::io::Errno::PERM.raw_os_error())
        };
        let made = directory.create_directory("new");
        match umask.as_str() {
            "022" => assert!(made.unwrap().1),
            _ => assert!(is_refused(&made.unwrap_err())),
        }
        assert!(work.path().join("root/new").is_dir());
        // Nobody else could read this file, which is made with the mode 0600.
        assert!(is_refused(&directory.create_file("file").unwrap_err()));
        return;
    }
    let test = "beneath::a_refused_mode_is_an_error_only_if_the_file_has_too_few_permissions";
    for umask in ["022", "077"] {
        let strace = "strace -f -qq -o /dev/null --trace=fchmod --inject=fchmod:error=EPERM";
        let shell = ["sh", "-c", r#"umask "$0" && exec "$@""#, umask];
        let prefix: Vec<&str> = strace.split(' ').chain(shell).collect();
        TestProcess::behind(&prefix, test).env(UMASK, umask).passes();
    }
}
