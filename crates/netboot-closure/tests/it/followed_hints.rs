//! The hints of errors are followed, and the work succeeds.

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use netboot_closure::boot_parameter::{
    BootParameter, BootParameters, CacheLabel, CallerParameters, CardAddress, HttpUrl, StoreChoice,
};
use netboot_closure::nar::{NarLimits, dump, unpack};
use netboot_closure::{CompressionLevel, Error, Index, NixSecretKey, Packer, Sha256, StorePath};
use netboot_testbed::{HermeticNix, TestProcess, tool};
use tempfile::TempDir;

use crate::nix_store::{nix, text};
use crate::pack::Site;

/// Asserts that `refused` has this hint, and returns what `followed` made, which does as the hint
/// says.
fn follow<T: Debug, U: Debug>(
    refused: Result<T, Error>,
    hint: &str,
    followed: Result<U, Error>,
) -> U {
    let error = refused.unwrap_err();
    let given = error.hint().unwrap_or_else(|| panic!("{error:?} has no hint"));
    assert!(given.contains(hint), "{error}: {given}");
    followed.unwrap()
}

/// The words of the only command in backticks that begins with `program`.
fn command<T: Debug>(refused: Result<T, Error>, program: &str) -> Vec<String> {
    let hint = refused.unwrap_err().hint().unwrap();
    let quoted: Vec<&str> = hint.split('`').skip(1).step_by(2).collect();
    let found = quoted.iter().find(|text| text.starts_with(program));
    let found = found.unwrap_or_else(|| panic!("{hint}"));
    found.split(' ').skip(1).map(str::to_owned).collect()
}

#[test]
fn texts_as_the_hints_describe_them_are_read() {
    let path = "/nix/store/s66mzxpvicwk07gjbjfw9izjfa797vsw-glibc-2.42";
    let below = format!("{path}/bin/ldd").parse::<StorePath>();
    follow(
        below,
        "a path such as /nix/store/<digest>-<name>, without anything below it",
        path.parse::<StorePath>(),
    );
    let digest = Sha256::from_bytes([0xab; 32]);
    let hex = digest.to_string();
    let upper = Sha256::from_hex(&hex.to_uppercase());
    follow(upper, "64 digits of base 16, in lower case", Sha256::from_hex(&hex));
    let wrong = Sha256::from_base32(&hex);
    let hint = "52 digits of Nix's base 32, as `nix-hash --type sha256 --to-base32` writes it";
    assert!(Sha256::from_base32(&hex).unwrap_err().hint().unwrap().contains(hint));
    let arguments = command(wrong, "nix-hash");
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).chain([hex.as_str()]).collect();
    let directory = TempDir::new().unwrap();
    let printed = text(nix(directory.path(), "nix-hash", &arguments, None));
    assert_eq!(Sha256::from_base32(&printed).unwrap(), digest);
    for level in [1, 19] {
        follow(CompressionLevel::new(20), "a level from 1 to 19", CompressionLevel::new(level));
    }
}

#[test]
fn parameters_without_the_digest_of_the_index_are_taken() {
    let error = CallerParameters::check(["quiet", "\"netboot.index=00\""]).unwrap_err();
    assert!(error.to_string().contains("netboot.index=00"), "{error}");
    assert!(error.hint().unwrap().contains("remove the parameter from `boot.kernelParams`"));
    let found =
        CallerParameters::check(["quiet", "ip=dhcp", "\"netboot.from=http://a/\""]).unwrap();
    assert!(found.has_source && found.has_address);
    // A kernel takes quotes away, so that a second address would take the place of this one.
    let quoted = CallerParameters::check(["\"ip=10.0.0.5::10.0.0.1:255.255.255.0\""]).unwrap();
    assert!(quoted.has_address);
    let one_more = CallerParameters::check(["\"ipv6=off\"", "zip=1"]).unwrap();
    assert!(!one_more.has_address && !one_more.has_source);
}

#[test]
fn a_kernel_parameter_in_an_error_shows_no_password() {
    for (wrong, shown) in [
        ("netboot.from=http://user:secret@a/", "netboot.from=http://***@a/"),
        ("netboot.from=http://user:sec/r@et@a/", "netboot.from=http://***@a/"),
        ("netboot.from=user:secret@a/", "netboot.from=***@a/"),
        ("netboot.report=https://secret@a/", "netboot.report=https://***@a/"),
        ("netboot.store=floppy", "netboot.store=floppy"),
    ] {
        let error = wrong.parse::<BootParameter>().unwrap_err();
        assert!(error.to_string().contains(shown), "{error}");
        assert!(!format!("{error:?}").contains("sec"), "{error:?}");
    }
    let line = "netboot.from=http://a/ netboot.from=http://u:secret@b/ netboot.report=u:secret@c";
    let read = BootParameters::from_command_line(line).unwrap();
    assert!(!format!("{read:?}").contains("secret"), "{read:?}");
    assert_eq!(read.unusable_from, ["netboot.from=http://***@b/"]);
}

#[test]
fn kernel_parameters_as_the_hint_describes_them_are_read() {
    let hex = "ab".repeat(32);
    let parameter = |text: &str| text.parse::<BootParameter>();
    for (wrong, expected, right) in [
        ("quiet", "a name, `=` and a value", "netboot.store=auto"),
        (
            "netboot.index=AB",
            "64 digits of base 16, in lower case",
            &format!("netboot.index={hex}"),
        ),
        ("netboot.from=https://a/", "an absolute http:// URL of a", "netboot.from=http://a/b/"),
        ("netboot.from=http://a/?b", "without a query", "netboot.from=http://a/"),
        ("netboot.store=disc", "auto, tmpfs, zram or disk", "netboot.store=disk"),
        (
            "netboot.cache=a b",
            "a label of 1 to 64 letters, digits, `-`, `_` and `.` that begins with a letter",
            "netboot.cache=a-b_1.x",
        ),
        ("netboot.cache-budget=4G", "a number of MiB, 1 or more", "netboot.cache-budget=4096"),
        ("netboot.cache-budget=0", "1 or more", "netboot.cache-budget=1"),
        ("netboot.report=ftp://a", "an absolute http:// URL", "netboot.report=http://a/?x=1"),
        ("BOOTIF=52:54:00:12:34:56", "01- and the address", "BOOTIF=01-52-54-00-12-34-56"),
        ("netboot.stor=disk", "a parameter of closure boot", "netboot.store=disk"),
    ] {
        assert!(
            parameter(wrong)
                .unwrap_err()
                .hint()
                .unwrap()
                .starts_with("correct the kernel parameter: give ")
        );
        follow(parameter(wrong), expected, parameter(right));
    }
    // The values have the same hints by themselves.
    follow("a b".parse::<CacheLabel>(), "a label of 1 to 64 letters", "a-b".parse::<CacheLabel>());
    follow(
        "x".parse::<CardAddress>(),
        "the address of a network card",
        "52:54:00:12:34:56".parse::<CardAddress>(),
    );
    follow("x".parse::<HttpUrl>(), "an absolute http:// URL", "http://x/".parse::<HttpUrl>());
    follow("x".parse::<StoreChoice>(), "auto, tmpfs", "auto".parse::<StoreChoice>());
}

#[test]
fn an_archive_that_is_fetched_again_or_made_again_is_unpacked() {
    let directory = TempDir::new().unwrap();
    let source = directory.path().join("source");
    fs::create_dir(&source).unwrap();
    fs::write(source.join("file"), "x".repeat(1000)).unwrap();
    let archive = || {
        let mut archive = Vec::new();
        dump(&source, &mut archive).unwrap();
        archive
    };
    let limits = NarLimits::default();
    let unpacked = |bytes: &[u8], to: &str| unpack(bytes, &directory.path().join(to), limits);
    let whole = archive();
    let cut = unpacked(&whole[..500], "cut");
    follow(cut, "fetch the archive again", unpacked(&whole, "again"));
    let mut damaged = whole.clone();
    damaged[9] ^= 1;
    let hint = "if it stays damaged, publish its store path again";
    follow(unpacked(&damaged, "damaged"), hint, unpacked(&archive(), "made"));
}

#[test]
fn an_index_that_is_published_again_is_read() {
    let site = Site::new();
    let publish = || site.pack(&site.packer()).unwrap().index.to_compressed().unwrap();
    let bytes = publish();
    let cut = Index::from_compressed(&bytes[..bytes.len() - 9]);
    let hint = "publish the image again: its index was cut off or is damaged";
    follow(cut, hint, Index::from_compressed(&publish()));
    let text = Index::from_compressed(&bytes).unwrap().to_string();
    let newer = text.replace("netboot-index 1", "netboot-index 2").parse::<Index>();
    let hint = "the index was written by another version or is damaged";
    follow(newer, hint, Index::from_compressed(&publish()));
}

/// A store with a binary cache from which Nix can repair its paths.
struct RepairableStore(Site);

impl RepairableStore {
    fn new() -> Self {
        let store = Self(Site::new());
        let cache = store.root().join("binary-cache");
        let configuration = format!(
            "substituters = file://{}\nrequire-sigs = false\nbuild-users-group =\n\
             experimental-features = nix-command\n",
            cache.display()
        );
        fs::write(store.root().join("nix.conf"), configuration).unwrap();
        let to = format!("file://{}", cache.display());
        let paths: Vec<String> = store.0.paths.iter().map(|path| path.path.to_string()).collect();
        let paths = paths.iter().map(String::as_str);
        let arguments: Vec<&str> = ["copy", "--to", &to].into_iter().chain(paths).collect();
        nix(store.root(), "nix", &arguments, None);
        store
    }

    fn root(&self) -> &Path {
        // The store's files lie below it.
        self.0.paths[0].location.ancestors().nth(3).unwrap()
    }

    /// A file of a store path, which can be written.
    fn file(&self, number: usize) -> PathBuf {
        let file = self.0.paths[number].location.join("bin/init");
        for path in [file.parent().unwrap(), &file] {
            fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
        }
        file
    }

    /// Runs what a hint says. The store's files lie below another directory than its paths say.
    fn run(&self, arguments: &[String]) {
        let root = self.root().display().to_string();
        let arguments: Vec<&str> =
            arguments.iter().map(|word| word.strip_prefix(&root).unwrap_or(word)).collect();
        nix(self.root(), "nix-store", &arguments, None);
    }
}

#[test]
fn a_store_that_nix_repaired_is_packed() {
    let store = RepairableStore::new();
    // The packer does not read the paths of its cache again.
    let pack = || {
        let cache = TempDir::new().unwrap();
        store.0.pack(&Packer::new(cache.path()))
    };
    fs::write(store.file(1), "changed").unwrap();
    store.run(&command(pack(), "nix-store --repair-path"));
    pack().unwrap();
    for number in [0, 2] {
        fs::write(store.file(number), "changed").unwrap();
    }
    store.run(&command(pack(), "nix-store --verify --check-contents --repair"));
    pack().unwrap();

    let pipe = store.file(1).with_file_name("pipe");
    assert!(Command::new(tool("mkfifo")).arg(&pipe).status().unwrap().success());
    store.run(&command(pack(), "nix-store --repair-path"));
    assert!(!pipe.exists());
    pack().unwrap();
}

/// A destination that cuts a file when a part of it is written.
struct Cutting {
    file: PathBuf,
    written: usize,
}

impl Write for Cutting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.written += bytes.len();
        if self.written > 1000 {
            OpenOptions::new().write(true).open(&self.file)?.set_len(7)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_store_that_nobody_changes_any_more_is_read() {
    let store = RepairableStore::new();
    let location = store.0.paths[1].location.clone();
    let changed = dump(&location, Cutting { file: store.file(1), written: 0 });
    assert!(matches!(changed, Err(Error::FileChanged { .. })), "{changed:?}");
    let hint = changed.as_ref().unwrap_err().hint().unwrap();
    assert!(hint.starts_with("end the program that changes files of the store"), "{hint}");
    store.run(&command(changed, "nix-store --repair-path"));
    store.0.pack(&store.0.packer()).unwrap();
}

#[test]
fn a_key_that_nix_made_is_read() {
    let directory = TempDir::new().unwrap();
    let arguments = command("not a key".parse::<NixSecretKey>(), "nix-store --generate");
    let made = Command::new(HermeticNix::program("nix-store"))
        .args(&arguments)
        .current_dir(directory.path())
        .env("NIX_CONF_DIR", directory.path())
        .status();
    assert!(made.unwrap().success());
    let key = NixSecretKey::read(directory.path().join("secret-key")).unwrap();
    assert_eq!(key.public_key().name(), "cache.example.org-1");
}

#[test]
fn a_closure_is_packed_with_the_paths_that_nix_prints() {
    let mut site = Site::new();
    site.add_user_of_the_first();
    let user = site.paths.last().unwrap().clone();
    let requisites = || {
        let printed = text(nix(
            site.root(),
            "nix-store",
            &["--query", "--requisites", &user.path.to_string()],
            None,
        ));
        let is_printed = |path: &str| printed.lines().any(|line| line == path);
        let paths = site.paths.iter().filter(|path| is_printed(&path.path.to_string()));
        paths.cloned().collect::<Vec<_>>()
    };
    let go_on = |_| std::ops::ControlFlow::Continue(());
    let pack = |paths| site.packer().pack(&site.init(), paths, &go_on);
    let hint = "give every path that `nix-store --query --requisites` prints, once";
    let packed = || pack(requisites());
    assert_eq!(requisites().len(), 2);
    follow(pack(vec![user.clone()]), hint, packed());
    follow(pack([requisites(), requisites()].concat()), hint, packed());
    follow(pack(site.paths[1..3].to_vec()), hint, packed());
}

#[test]
fn a_file_system_with_room_takes_the_archive() {
    let name = "followed_hints::a_file_system_with_room_takes_the_archive";
    if !TestProcess::with_mounts(name).is_this() {
        return;
    }
    let (source, place) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    fs::write(source.path().join("file"), vec![7; 600_000]).unwrap();
    let mounted = Command::new(tool("mount"))
        .args(["-t", "tmpfs", "-o", "size=1m", "none"])
        .arg(place.path())
        .status();
    assert!(mounted.unwrap().success());
    let filler = place.path().join("filler");
    fs::write(&filler, vec![7; 700_000]).unwrap();
    let write = || dump(source.path(), File::create(place.path().join("archive")).unwrap());
    let full = write();
    let mut archive = Vec::new();
    dump(source.path(), &mut archive).unwrap();
    let unpack = || unpack(&archive[..], &place.path().join("copy"), NarLimits::default());
    fs::remove_file(place.path().join("archive")).unwrap();
    let no_room = unpack();
    fs::remove_dir_all(place.path().join("copy")).unwrap();
    fs::remove_file(filler).unwrap();
    follow(no_room, "make room on the file system", unpack());
    fs::remove_dir_all(place.path().join("copy")).unwrap();
    follow(full, "make room on the file system", write());
}

/// The directory that another user may not read.
const CLOSED: &str = "NETBOOT_TEST_CLOSED";

#[test]
fn a_user_who_may_read_makes_the_archive() {
    let test = "followed_hints::a_user_who_may_read_makes_the_archive";
    let read = |path: &Path| dump(path, io::sink());
    if let Some(closed) = std::env::var_os(CLOSED) {
        let error = read(Path::new(&closed)).unwrap_err();
        assert!(error.hint().unwrap().contains("run this as a user who may read"), "{error:?}");
        return;
    }
    let place = TempDir::new().unwrap();
    fs::set_permissions(place.path(), Permissions::from_mode(0o755)).unwrap();
    let closed = place.path().join("closed");
    fs::create_dir(&closed).unwrap();
    let mode = |mode| fs::set_permissions(&closed, Permissions::from_mode(mode)).unwrap();
    mode(0o000);
    // Root may read everything, so another user tries.
    TestProcess::without_root(place.path(), test).env(CLOSED, &closed).passes();
    mode(0o700);
    read(&closed).unwrap();
}
