//! Store paths that no Nix built: a system that checks itself, and data of any size.

use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use netboot_closure::{PathToPack, Sha256, StorePath, nar};
use netboot_testbed::Testbed;
use sha2::{Digest, Sha256 as Hasher};
use tempfile::TempDir;

/// The applets of busybox that the system uses.
const APPLETS: [&str; 12] = [
    "awk",
    "cat",
    "grep",
    "ip",
    "ls",
    "mount",
    "poweroff",
    "sed",
    "sh",
    "sha256sum",
    "sleep",
    "wc",
];

/// The bytes of store paths that a system checks. Hashing takes long without KVM.
const CHECKED: u64 = 32 << 20;

/// The size in bytes of the pieces of data, of which a quarter is random.
const PIECE: usize = 4096;

/// The program that a system starts with, after its first line.
const INIT: &str = include_str!("store_fixture/init.sh");

/// A directory with store paths.
#[derive(Debug)]
pub struct StoreFixture {
    directory: TempDir,
    busybox: PathToPack,
}

/// The closure of a system.
#[derive(Debug, Clone)]
pub struct SystemClosure {
    /// The program that stage 1 starts.
    pub init: String,
    /// The store paths.
    pub paths: Vec<PathToPack>,
}

impl StoreFixture {
    /// Creates a store with busybox alone.
    pub fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let busybox = add(directory.path(), "busybox", Vec::new(), |path| {
            let bin = path.join("bin");
            fs::create_dir_all(&bin).unwrap();
            fs::copy(Testbed::locate().busybox(), bin.join("busybox")).unwrap();
            for name in APPLETS {
                symlink("busybox", bin.join(name)).unwrap();
            }
        });
        Self { directory, busybox }
    }

    /// Adds a store path with one file, `data`, of this many bytes. A quarter of it does not
    /// compress. Equal arguments give equal store paths.
    pub fn data(&self, name: &str, seed: u64, bytes: usize) -> PathToPack {
        add(self.directory.path(), name, Vec::new(), |path| {
            fs::create_dir(path).unwrap();
            let mut file = io::BufWriter::new(fs::File::create(path.join("data")).unwrap());
            write_noise(&mut file, seed, bytes);
            file.flush().unwrap();
        })
    }

    /// Adds a store path with one file, `data`, of this many bytes. All but a small part of it are
    /// zeros, which take no room on this disk.
    pub fn sparse_data(&self, name: &str, seed: u64, bytes: usize) -> PathToPack {
        add(self.directory.path(), name, Vec::new(), |path| {
            fs::create_dir(path).unwrap();
            let mut file = fs::File::create(path.join("data")).unwrap();
            write_noise(&mut file, seed, bytes.min(PIECE));
            file.set_len(bytes as u64).unwrap();
        })
    }

    /// Adds a system that depends on `data`, checks the first 32 MiB of it, and reports
    /// `generation`.
    pub fn system(&self, generation: &str, data: &[PathToPack]) -> SystemClosure {
        let mut references = vec![self.busybox.path.clone()];
        references.extend(data.iter().map(|data| data.path.clone()));
        let tools = format!("{}/bin", self.busybox.path);
        let mut sums = String::new();
        let mut checked = 0;
        for data in data {
            checked += data.nar_size;
            if checked > CHECKED {
                break;
            }
            let mut hasher = Hasher::new();
            let mut file = fs::File::open(data.location.join("data")).unwrap();
            io::copy(&mut file, &mut hasher).unwrap();
            writeln!(sums, "{:x}  {}/data", hasher.finalize(), data.path).unwrap();
        }
        let system = add(self.directory.path(), "nixos-system-test", references, |path| {
            fs::create_dir(path).unwrap();
            fs::write(path.join("sums"), sums).unwrap();
            let init = path.join("init");
            let script = format!("#!{tools}/sh\nPATH={tools}\ngeneration='{generation}'\n{INIT}");
            fs::write(&init, script).unwrap();
            fs::set_permissions(&init, Permissions::from_mode(0o755)).unwrap();
        });
        let init = format!("{}/init", system.path);
        let mut paths = vec![self.busybox.clone(), system];
        paths.extend_from_slice(data);
        SystemClosure { init, paths }
    }

    /// A directory for the test's own files.
    pub fn work(&self) -> PathBuf {
        let work = self.directory.path().join("work");
        fs::create_dir_all(&work).unwrap();
        work
    }
}

impl Default for StoreFixture {
    fn default() -> Self {
        Self::new()
    }
}

/// Makes a store path. Its digest is that of its content.
fn add(
    store: &Path,
    name: &str,
    references: Vec<StorePath>,
    fill: impl FnOnce(&Path),
) -> PathToPack {
    let unnamed = TempDir::new_in(store).unwrap();
    let filled = unnamed.path().join("path");
    fill(&filled);
    let mut hasher = Hasher::new();
    let nar_size = nar::dump(&filled, &mut hasher).unwrap().nar_size;
    let nar_hash = Sha256::from_bytes(hasher.finalize().into());
    let base_name = format!("{}-{name}", &nar_hash.to_base32()[..32]);
    let location: PathBuf = store.join(&base_name);
    if !location.exists() {
        fs::rename(&filled, &location).unwrap();
    }
    let path = StorePath::from_base_name(&base_name).unwrap();
    PathToPack { path, location, nar_hash, nar_size, deriver: None, references }
}

/// Writes `bytes` bytes, in pieces of which a quarter is random (Marsaglia's xorshift).
fn write_noise(to: &mut impl Write, seed: u64, bytes: usize) {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut piece = [0; PIECE];
    let mut left = bytes;
    while left > 0 {
        for word in piece[..PIECE / 4].chunks_exact_mut(8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            word.copy_from_slice(&state.to_le_bytes());
        }
        let length = left.min(PIECE);
        to.write_all(&piece[..length]).unwrap();
        left -= length;
    }
}
