//! Programs of Debian packages that are unpacked, not installed.

use std::fmt;
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use walkdir::WalkDir;

use crate::debian_suite::DebianSuite;
use crate::{Error, Testbed, command};

/// The directories that are links into `usr` in a Debian with merged `/usr`, and in a tree.
const MERGED: [&str; 4] = ["bin", "lib", "lib64", "sbin"];
/// The loader of a tree's programs, within it.
const LOADER: &str = "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2";
/// The architecture of the programs that run on this machine.
const NATIVE: &str = "amd64";
/// The directories with programs, within a tree.
const DIRECTORIES: [&str; 3] = ["usr/bin", "usr/sbin", "usr/lib/openssh"];
/// The directory with links to all programs of a tree, beside its `root`.
const PROGRAMS: &str = "programs";
/// The file that names the packages of a tree, beside its `root`.
const NOTE: &str = "packages";
/// The file that lists the packages' versions, beside the tree's `root`.
const VERSIONS: &str = "versions";

/// Debian packages and their dependencies, unpacked in the test bed. An installed server would
/// start on this machine; an unpacked one does not. Another Debian suite has programs in other
/// versions. The programs of a tree run with the tree's own libraries.
///
/// ```no_run
/// use std::process::Command;
/// use netboot_testbed::DebianTree;
///
/// let sshd = DebianTree::OPENSSH_SERVER.program("sshd");
/// Command::new(sshd).arg("-?").status()?;
/// let ipxe = DebianTree::SID_IPXE.path("usr/lib/ipxe/ipxe.lkrn");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DebianTree {
    name: &'static str,
    suite: DebianSuite,
    packages: &'static [&'static str],
    /// Debian's name of the architecture.
    architecture: &'static str,
}

impl DebianTree {
    /// sshd and the sftp server of Debian 12.
    pub const OPENSSH_SERVER: Self =
        Self::new("openssh-server", DebianSuite::Bookworm, &["openssh-server"]);
    /// The DHCP servers of Debian 12: Kea's and ISC's.
    pub const DHCP_SERVERS: Self =
        Self::new("dhcp-servers", DebianSuite::Bookworm, &["kea-dhcp4-server", "isc-dhcp-server"]);
    /// `kexec` of Debian 12. The installed package would ask to restart this machine with it.
    pub const KEXEC_TOOLS: Self = Self::new("kexec-tools", DebianSuite::Bookworm, &["kexec-tools"]);
    /// iPXE 1.21, of Debian 13.
    pub const TRIXIE_IPXE: Self =
        Self::new("trixie-ipxe", DebianSuite::Trixie, &["ipxe", "ipxe-qemu"]);
    /// iPXE 2.0, of Debian's unstable suite.
    pub const SID_IPXE: Self = Self::new("sid-ipxe", DebianSuite::Sid, &["ipxe", "ipxe-qemu"]);
    /// Linux 6.12 for cloud machines, of Debian 13.
    pub const TRIXIE_LINUX: Self =
        Self::new("trixie-linux", DebianSuite::Trixie, &["linux-image-cloud-amd64"]);
    /// Linux for 64-bit ARM cloud machines and a static busybox, of Debian 12.
    pub const ARM64_LINUX: Self = Self::new(
        "arm64-linux",
        DebianSuite::Bookworm,
        &["linux-image-cloud-arm64", "busybox-static"],
    )
    .of_architecture("arm64");
    /// The programs that sign EFI programs and lists of certificates, of Debian 12.
    pub const SECURE_BOOT: Self =
        Self::new("secure-boot", DebianSuite::Bookworm, &["efitools", "sbsigntool"]);
    /// `SoftHSM`, which keeps keys in files as a token of PKCS #11 does, and `pkcs11-tool`, of
    /// Debian 12.
    pub const PKCS11_TOKEN: Self =
        Self::new("pkcs11-token", DebianSuite::Bookworm, &["opensc", "softhsm2"]);
    /// systemd's stubs for UEFI on 64-bit x86, and `ukify`, of Debian 13.
    pub const TRIXIE_UKIFY: Self =
        Self::new("trixie-ukify", DebianSuite::Trixie, &["systemd-boot-efi", "systemd-ukify"]);
    /// systemd's stubs for UEFI on 64-bit ARM, of Debian 13.
    pub const TRIXIE_ARM64_STUBS: Self =
        Self::new("trixie-arm64-stubs", DebianSuite::Trixie, &["systemd-boot-efi"])
            .of_architecture("arm64");
    /// virt-firmware, which reads and writes the variables of UEFI firmware, of Debian 13.
    pub const TRIXIE_VIRT_FIRMWARE: Self =
        Self::new("trixie-virt-firmware", DebianSuite::Trixie, &["python3-virt-firmware"]);
    /// systemd, and the tools of the TPM software stack, of Debian 13.
    pub const TRIXIE_TPM: Self = Self::new(
        "trixie-tpm",
        DebianSuite::Trixie,
        &["libtss2-tcti-device0t64", "libtss2-tcti-swtpm0t64", "systemd", "tpm2-tools"],
    );
    /// Nix 2.26, of Debian 13.
    pub const TRIXIE_NIX: Self = Self::new("trixie-nix", DebianSuite::Trixie, &["nix-bin"]);
    /// Nix 2.34, of Debian's unstable suite.
    pub const SID_NIX: Self = Self::new("sid-nix", DebianSuite::Sid, &["nix-bin"]);

    /// Every tree that the tests need.
    pub const ALL: [Self; 15] = [
        Self::OPENSSH_SERVER,
        Self::DHCP_SERVERS,
        Self::KEXEC_TOOLS,
        Self::TRIXIE_IPXE,
        Self::SID_IPXE,
        Self::TRIXIE_LINUX,
        Self::ARM64_LINUX,
        Self::SECURE_BOOT,
        Self::PKCS11_TOKEN,
        Self::TRIXIE_UKIFY,
        Self::TRIXIE_ARM64_STUBS,
        Self::TRIXIE_VIRT_FIRMWARE,
        Self::TRIXIE_TPM,
        Self::TRIXIE_NIX,
        Self::SID_NIX,
    ];

    const fn new(
        name: &'static str,
        suite: DebianSuite,
        packages: &'static [&'static str],
    ) -> Self {
        Self { name, suite, packages, architecture: NATIVE }
    }

    const fn of_architecture(self, architecture: &'static str) -> Self {
        Self { architecture, ..self }
    }

    /// The suite that the packages are from.
    pub fn suite(&self) -> DebianSuite {
        self.suite
    }

    /// Lines with suite, package and version: `?` if an earlier set-up has not written it down.
    pub(crate) fn versions(&self, testbed: &Path) -> String {
        let unknown = self.packages.iter().map(|package| format!("{} {package} ?\n", self.suite));
        fs::read_to_string(self.directory(testbed).join(VERSIONS))
            .unwrap_or_else(|_| unknown.collect::<Vec<_>>().concat())
    }

    /// The tree's root, below which the packages' files lie.
    ///
    /// # Panics
    /// If the tree is missing; the message says what to run.
    pub fn root(&self) -> PathBuf {
        let directory = self.directory(Testbed::at_default_directory().directory());
        assert!(self.is_unpacked(&directory), "{}", {
            let error = Error::Incomplete { path: directory.clone() };
            format!("{error}: {}", error.hint().unwrap_or_default())
        });
        directory.join("root")
    }

    /// A file of the tree, by its path from the root, such as `usr/lib/ipxe/ipxe.lkrn`.
    ///
    /// # Panics
    /// If the tree or the file is missing.
    pub fn path(&self, path: &str) -> PathBuf {
        let file = self.root().join(path);
        assert!(file.exists(), "the packages {:?} have no {path}", self.packages);
        file
    }

    /// An EFI program of systemd, such as `linuxx64.efi.stub`, for the processor that its name
    /// tells.
    ///
    /// # Panics
    /// If the tree or the file is missing.
    pub fn systemd_efi(name: &str) -> PathBuf {
        let is_arm = name.contains("aa64");
        let tree = if is_arm { Self::TRIXIE_ARM64_STUBS } else { Self::TRIXIE_UKIFY };
        tree.path(&format!("usr/lib/systemd/boot/efi/{name}"))
    }

    /// The kernel of the tree.
    ///
    /// # Panics
    /// If the tree is missing or has no kernel.
    pub fn kernel(&self) -> PathBuf {
        let files = WalkDir::new(self.path("boot")).max_depth(1).into_iter();
        let kernel = files.filter_map(Result::ok).find(|entry| {
            entry.file_name().to_str().is_some_and(|name| name.starts_with("vmlinuz-"))
        });
        let kernel = kernel.map(|entry| entry.path().to_owned());
        assert!(kernel.is_some(), "the packages {:?} have no kernel", self.packages);
        kernel.unwrap_or_default()
    }

    /// A directory with all programs of the tree, which run with the tree's own loader and
    /// libraries.
    ///
    /// # Panics
    /// If the tree is missing.
    pub fn programs(&self) -> PathBuf {
        self.root().with_file_name(PROGRAMS)
    }

    /// One of the [`programs`](Self::programs).
    ///
    /// # Panics
    /// If the tree or the program is missing.
    pub fn program(&self, name: &str) -> PathBuf {
        let program = self.programs().join(name);
        assert!(program.exists(), "the packages {:?} have no program {name}", self.packages);
        program
    }

    /// A command that runs a Python script of the tree, such as `usr/bin/ukify`, with the tree's
    /// own Python and packages.
    ///
    /// # Panics
    /// If the tree, its Python or the script is missing.
    pub fn python(&self, script: &str) -> Command {
        let mut command = Command::new(self.program("python3"));
        command.arg("-I").arg(self.path(script));
        command
    }

    /// A command that runs a program of the tree outside the directories of programs, such as
    /// `usr/lib/systemd/systemd-measure`, with the tree's own loader and libraries.
    ///
    /// # Panics
    /// If the tree or the program is missing.
    pub fn internal(&self, program: &str) -> Command {
        let libraries = ["usr/lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu/systemd"];
        let libraries = libraries.map(|path| self.path(path).display().to_string());
        let mut command = Command::new(self.path(LOADER));
        command.arg("--library-path").arg(libraries.join(":")).arg(self.path(program));
        command
    }

    /// The tree's path in the test bed.
    fn directory(&self, testbed: &Path) -> PathBuf {
        testbed.join("debian").join(self.name)
    }

    /// The tree's packages and its path, which its programs contain.
    fn note(&self, directory: &Path) -> String {
        format!("{} {}, patched\n{}\n", self.suite, self.packages.join(" "), directory.display())
    }

    fn is_unpacked(&self, directory: &Path) -> bool {
        fs::read_to_string(directory.join(NOTE)).is_ok_and(|note| note == self.note(directory))
    }

    /// Returns true if the tree is complete and consists of these packages.
    pub(crate) fn is_in(&self, testbed: &Path) -> bool {
        self.is_unpacked(&self.directory(testbed))
    }

    /// Downloads and unpacks the tree, unless it exists.
    pub(crate) fn bring(&self, testbed: &Path) -> Result<(), Error> {
        let directory = self.directory(testbed);
        if self.is_unpacked(&directory) {
            return Ok(());
        }
        let parent = testbed.join("debian");
        fs::create_dir_all(&parent).map_err(|source| Error::io("create", &parent, source))?;
        let temporary = tempfile::Builder::new()
            .prefix(".unpack-")
            .tempdir_in(&parent)
            .map_err(|source| Error::io("create a folder in", &parent, source))?;
        let archives =
            self.suite.download(self.architecture, self.packages, &temporary.path().join("apt"))?;
        let tree = temporary.path().join("tree");
        unpack(&archives, &tree.join("root"))?;
        // This machine does not run programs of another architecture.
        if self.architecture == NATIVE {
            make_runnable(&tree, &directory)?;
        }
        let versions = tree.join(VERSIONS);
        fs::write(&versions, self.versions_of(&archives)?)
            .map_err(|source| Error::io("write", &versions, source))?;
        let note = tree.join(NOTE);
        fs::write(&note, self.note(&directory))
            .map_err(|source| Error::io("write", &note, source))?;
        if directory.exists() {
            fs::remove_dir_all(&directory)
                .map_err(|source| Error::io("remove", &directory, source))?;
        }
        fs::rename(&tree, &directory).map_err(|source| Error::io("write", &directory, source))
    }

    /// The versions of the tree's packages among the downloaded archives.
    fn versions_of(&self, archives: &[PathBuf]) -> Result<String, Error> {
        let mut versions = String::new();
        for archive in archives {
            let mut show = Command::new("dpkg-deb");
            show.args(["--show", "--showformat=${Package} ${Version}"]).arg(archive);
            let line = command::stdout(&mut show)?;
            if self.packages.iter().any(|name| line.split(' ').next() == Some(name)) {
                versions = format!("{versions}{} {line}\n", self.suite);
            }
        }
        Ok(versions)
    }
}

impl fmt::Display for DebianTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of Debian {}", self.packages.join(" and "), self.suite)
    }
}

/// Unpacks archives into one directory.
fn unpack(archives: &[PathBuf], root: &Path) -> Result<(), Error> {
    for name in MERGED {
        let directory = root.join("usr").join(name);
        fs::create_dir_all(&directory).map_err(|source| Error::io("create", &directory, source))?;
        let link = root.join(name);
        symlink(Path::new("usr").join(name), &link)
            .map_err(|source| Error::io("create", &link, source))?;
    }
    // `dpkg-deb --extract` would put directories in place of the links.
    for archive in archives {
        let tar = archive.with_extension("tar");
        let file = File::create(&tar).map_err(|source| Error::io("create", &tar, source))?;
        command::stdout_to(Command::new("dpkg-deb").arg("--fsys-tarfile").arg(archive), file)?;
        let mut extract = Command::new("tar");
        extract.args(["--extract", "--keep-directory-symlink", "--file"]).arg(&tar);
        command::stdout(extract.arg("--directory").arg(root))?;
        fs::remove_file(&tar).map_err(|source| Error::io("remove", &tar, source))?;
    }
    Ok(())
}

/// Patches the tree's programs to run with the loader and libraries below `home`, where the tree is
/// moved later, and links them into one directory.
fn make_runnable(tree: &Path, home: &Path) -> Result<(), Error> {
    let programs = tree.join(PROGRAMS);
    fs::create_dir(&programs).map_err(|source| Error::io("create", &programs, source))?;
    let (root, libraries) = (home.join("root"), ["usr/lib/x86_64-linux-gnu", "usr/lib"]);
    let libraries = libraries.map(|path| root.join(path).display().to_string()).join(":");
    for directory in DIRECTORIES {
        let directory = tree.join("root").join(directory);
        if !directory.is_dir() {
            continue;
        }
        for entry in WalkDir::new(&directory).max_depth(1) {
            let entry = entry.map_err(|error| Error::io("list", &directory, error.into()))?;
            if !is_program(entry.path()) {
                continue;
            }
            let place = root.join(entry.path().strip_prefix(tree.join("root")).unwrap_or(&root));
            let link = programs.join(entry.file_name());
            // kmod has links of the same names in two directories.
            if !link.is_symlink() {
                symlink(&place, &link).map_err(|source| Error::io("create", &link, source))?;
            }
            let mut interpreter = Command::new("patchelf");
            interpreter.arg("--print-interpreter").arg(entry.path());
            // A statically linked program has no loader.
            if entry.file_type().is_file() && command::output(&mut interpreter)?.status.success() {
                let mut patch = Command::new("patchelf");
                patch.arg("--set-interpreter").arg(root.join(LOADER));
                patch.args(["--force-rpath", "--set-rpath", &libraries]);
                command::stdout(patch.arg(entry.path()))?;
            }
        }
    }
    Ok(())
}

/// Returns true if a file, or the target of a link, is a program for the tree's loader.
fn is_program(path: &Path) -> bool {
    let Ok(mut file) = File::open(path) else { return false };
    let mut magic = [0; 4];
    std::io::Read::read_exact(&mut file, &mut magic).is_ok() && magic == *b"\x7fELF"
}
