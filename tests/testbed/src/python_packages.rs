//! The S3 servers of the tests: Python packages of one pinned set, in a virtual environment.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Error, command, tool};

/// Every package with its version, including the dependencies of the two servers, so that every
/// machine gets the versions that were tested.
const PACKAGES: [&str; 27] = [
    "aiofiles==25.1.0",
    "anyio==4.16.0",
    "botocore==1.43.106",
    "click==8.5.1",
    "defusedxml==0.7.1",
    "graphql-core==3.2.12",
    "h11==0.16.0",
    "h2==4.4.1",
    "hpack==4.2.0",
    "httptools==0.9.0",
    "hypercorn==0.18.0",
    "hyperframe==6.1.0",
    "idna==3.20",
    "jmespath==1.1.0",
    "jsonata-python==0.7.1",
    "ministack==1.5.33",
    "nanio==0.1.7",
    "priority==2.0.0",
    "python-dateutil==2.9.0.post0",
    "pyyaml==6.0.4",
    "six==1.17.0",
    "starlette==1.10.0",
    "typing-extensions==4.16.0",
    "urllib3==2.8.0",
    "uvicorn==0.54.0",
    "uvloop==0.23.0",
    "wsproto==1.3.2",
];

/// The directory of the virtual environment in a test bed.
const DIRECTORY: &str = "python";

/// The file in it that lists what was installed; written last.
const NOTE: &str = "packages.txt";

/// The program with this name in the virtual environment of a test bed.
pub(crate) fn program(testbed: &Path, name: &str) -> PathBuf {
    testbed.join(DIRECTORY).join("bin").join(name)
}

/// Returns true if a test bed has all packages.
pub(crate) fn are_in(testbed: &Path) -> bool {
    fs::read_to_string(note(testbed)).is_ok_and(|installed| installed == listing())
}

/// Creates the virtual environment again, and installs the packages.
pub(crate) fn bring(testbed: &Path) -> Result<(), Error> {
    let directory = testbed.join(DIRECTORY);
    // The scripts of a virtual environment contain its path, so it cannot be moved later.
    let mut venv = Command::new(tool("python3"));
    command::stdout(venv.args(["-m", "venv", "--clear"]).arg(&directory))?;
    let mut pip = Command::new(program(testbed, "python"));
    pip.args(["-m", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:"]);
    command::stdout(pip.arg("--disable-pip-version-check").args(PACKAGES))?;
    let note = note(testbed);
    fs::write(&note, listing()).map_err(|source| Error::io("write", &note, source))
}

fn note(testbed: &Path) -> PathBuf {
    testbed.join(DIRECTORY).join(NOTE)
}

fn listing() -> String {
    PACKAGES.map(|package| format!("{package}\n")).concat()
}
