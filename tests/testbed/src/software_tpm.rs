//! A TPM that swtpm emulates, used by tpm2-tools.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::{DebianTree, tool};

/// A TPM 2.0 with new state, and a directory for the files of its user. It ends when this is
/// dropped.
///
/// ```no_run
/// use netboot_testbed::SoftwareTpm;
///
/// let tpm = SoftwareTpm::start().with_attestation_key("rsa", "rsassa");
/// tpm.quote("sha256:4,11,12", &[7; 32]);
/// let message = tpm.read("quote.msg");
/// ```
#[derive(Debug)]
pub struct SoftwareTpm {
    directory: TempDir,
    swtpm: Child,
}

#[expect(clippy::unwrap_used, reason = "a test whose set-up fails has failed")]
impl SoftwareTpm {
    /// Starts a TPM and waits until it answers.
    ///
    /// # Panics
    /// If swtpm does not start.
    pub fn start() -> Self {
        let directory = TempDir::new().unwrap();
        let mut swtpm = Command::new(tool("swtpm"));
        swtpm.args(["socket", "--tpm2", "--tpmstate", "dir=.", "--flags", "startup-clear"]);
        swtpm.args(["--server", "type=unixio,path=tpm", "--ctrl", "type=unixio,path=tpm.ctrl"]);
        let swtpm = swtpm.current_dir(directory.path()).stderr(Stdio::null()).spawn().unwrap();
        let mut tpm = Self { directory, swtpm };
        // A refused connection is tried again.
        while !tpm.run_tool("tpm2_getrandom", &["--hex", "1"]).0 {
            assert!(tpm.swtpm.try_wait().unwrap().is_none(), "swtpm ended");
            std::thread::yield_now();
        }
        tpm
    }

    /// Makes an endorsement key, and an attestation key in the files `ak.ctx` and `ak.pub`:
    /// `algorithm` is `rsa` or `ecc`, and `scheme` is `rsassa` or `ecdsa`.
    ///
    /// # Panics
    /// If the TPM refuses.
    #[must_use]
    pub fn with_attestation_key(self, algorithm: &str, scheme: &str) -> Self {
        self.run("tpm2_createek", &["-G", "rsa", "-c", "ek.ctx"]);
        let files = ["-C", "ek.ctx", "-c", "ak.ctx", "-u", "ak.pub"];
        let kind = ["-G", algorithm, "-g", "sha256", "-s", scheme];
        self.run("tpm2_createak", &[files, kind].concat());
        self
    }

    /// A file of the TPM's user.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The content of a file of the TPM's user.
    ///
    /// # Panics
    /// If it cannot be read.
    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// Runs a program of tpm2-tools in the directory. Returns true for success, and the text that
    /// it printed.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn run_tool(&self, name: &str, arguments: &[&str]) -> (bool, String) {
        let mut command = Command::new(DebianTree::TRIXIE_TPM.program(name));
        command.current_dir(self.directory.path()).env("TPM2TOOLS_TCTI", "swtpm:path=tpm");
        let output = command.args(arguments).output().unwrap();
        let printed = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&printed).into_owned())
    }

    /// Runs a program of tpm2-tools, which must succeed.
    ///
    /// # Panics
    /// If it fails.
    pub fn run(&self, name: &str, arguments: &[&str]) -> String {
        let (succeeded, printed) = self.run_tool(name, arguments);
        assert!(succeeded, "{name} {arguments:?}: {printed}");
        // A TPM has room for three objects, and no resource manager makes room here.
        for kind in ["-t", "-l"] {
            self.run_tool("tpm2_flushcontext", &[kind]);
        }
        printed
    }

    /// Extends a PCR with a digest in hexadecimal digits.
    ///
    /// # Panics
    /// If the TPM refuses.
    pub fn extend(&self, pcr: u8, digest: &str) {
        self.run("tpm2_pcrextend", &[&format!("{pcr}:sha256={digest}")]);
    }

    /// The values of PCRs of the SHA-256 bank, 32 bytes for each one.
    ///
    /// # Panics
    /// If the TPM refuses.
    pub fn pcrs(&self, numbers: &str) -> Vec<u8> {
        self.run("tpm2_pcrread", &[&format!("sha256:{numbers}"), "-o", "pcrs"]);
        self.read("pcrs")
    }

    /// Quotes PCRs, such as `sha256:4,11,12`, with this data, into `quote.msg`, `quote.sig` and
    /// `quote.pcrs`.
    ///
    /// # Panics
    /// If the TPM refuses.
    pub fn quote(&self, pcrs: &str, data: &[u8]) {
        let data = hex::encode(data);
        let files = ["-m", "quote.msg", "-s", "quote.sig", "-o", "quote.pcrs"];
        let what = ["-c", "ak.ctx", "-l", pcrs, "-q", &data, "-g", "sha256"];
        self.run("tpm2_quote", &[&files[..], &what].concat());
    }
}

impl Drop for SoftwareTpm {
    fn drop(&mut self) {
        let _ = self.swtpm.kill();
        let _ = self.swtpm.wait();
    }
}
