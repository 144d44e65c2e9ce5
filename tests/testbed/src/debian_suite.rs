//! Debian's suites, and the download of packages from one that this machine does not run.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Error, command};

/// The keyring of Debian's archive, on every Debian.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// A suite of Debian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DebianSuite {
    /// Debian 12.
    Bookworm,
    /// Debian 13.
    Trixie,
    /// Unstable.
    Sid,
}

impl DebianSuite {
    fn as_str(self) -> &'static str {
        match self {
            Self::Bookworm => "bookworm",
            Self::Trixie => "trixie",
            Self::Sid => "sid",
        }
    }

    /// Downloads packages for an architecture and whatever they depend on from the suite, at the
    /// mirror that this machine has Debian from. apt verifies the archive's signature and the
    /// packages' digests, has all its state in `directory`, and needs no privilege.
    pub(crate) fn download(
        self,
        architecture: &str,
        packages: &[&str],
        directory: &Path,
    ) -> Result<Vec<PathBuf>, Error> {
        self.download_from(&mirror()?, architecture, packages, directory)
    }

    fn download_from(
        self,
        mirror: &str,
        architecture: &str,
        packages: &[&str],
        directory: &Path,
    ) -> Result<Vec<PathBuf>, Error> {
        let archives = directory.join("cache/archives");
        for path in [directory.join("state/lists/partial"), archives.join("partial")] {
            fs::create_dir_all(&path).map_err(|source| Error::io("create", &path, source))?;
        }
        let sources = format!("deb [signed-by={KEYRING}] {mirror} {self} main\n");
        // With nothing installed, all dependencies are to be downloaded.
        let configuration = configuration(architecture, directory);
        for (name, text) in
            [("status", ""), ("sources.list", &sources), ("apt.conf", &configuration)]
        {
            let path = directory.join(name);
            fs::write(&path, text).map_err(|source| Error::io("write", &path, source))?;
        }
        command::stdout(apt_get(directory).arg("update"))?;
        command::stdout(apt_get(directory).args(["install", "--download-only"]).args(packages))?;
        let entries = fs::read_dir(&archives)
            .map_err(|source| Error::io("list", &archives, source))?
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "deb"));
        let mut entries: Vec<PathBuf> = entries.collect();
        entries.sort();
        Ok(entries)
    }
}

impl fmt::Display for DebianSuite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

fn apt_get(directory: &Path) -> Command {
    let mut command = Command::new("apt-get");
    command.args(["-q", "-y"]).env("APT_CONFIG", directory.join("apt.conf"));
    command
}

fn configuration(architecture: &str, directory: &Path) -> String {
    let directory = directory.display();
    format!(
        "Dir::State \"{directory}/state\";\n\
         Dir::State::status \"{directory}/status\";\n\
         Dir::Cache \"{directory}/cache\";\n\
         Dir::Etc::sourcelist \"{directory}/sources.list\";\n\
         Dir::Etc::sourceparts \"-\";\n\
         Dir::Etc::preferencesparts \"-\";\n\
         Dir::Log \"{directory}\";\n\
         APT::Sandbox::User \"root\";\n\
         APT::Install-Recommends \"false\";\n\
         APT::Architecture \"{architecture}\";\n\
         APT::Architectures {{ \"{architecture}\"; }};\n\
         Acquire::Languages \"none\";\n\
         Acquire::IndexTargets::deb::DEP-11::DefaultEnabled \"false\";\n\
         Acquire::Retries \"3\";\n"
    )
}

/// The mirror of Debian's main archive that this machine uses.
fn mirror() -> Result<String, Error> {
    let mut query = Command::new("apt-get");
    query.args(["indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)"]);
    let listing = command::stdout(query.arg("Created-By: Packages"))?;
    main_archive(&listing).map(str::to_owned).ok_or(Error::NoMirror)
}

/// The first repository that has a release of Debian itself in its component `main`.
fn main_archive(listing: &str) -> Option<&str> {
    const RELEASES: [&str; 8] =
        ["bookworm", "trixie", "forky", "sid", "oldstable", "stable", "testing", "unstable"];
    listing.lines().find_map(|line| {
        let mut words = line.split(' ');
        let (uri, release, component) = (words.next()?, words.next()?, words.next()?);
        (RELEASES.contains(&release) && component == "main").then_some(uri)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mirror_is_that_of_debian_itself() {
        let listing = "http://a.example/node nodistro main\n\
                       http://a.example/debian-security bookworm-security main\n\
                       http://a.example/debian bookworm contrib\n\
                       http://a.example/debian bookworm main\n";
        assert_eq!(main_archive(listing), Some("http://a.example/debian"));
        assert_eq!(main_archive("http://a.example/node nodistro main\n"), None);
    }

    #[test]
    fn a_mirror_without_debians_signature_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let mirror = directory.path().join("mirror");
        let lists = mirror.join("dists/bookworm/main/binary-amd64");
        fs::create_dir_all(&lists).unwrap();
        fs::write(lists.join("Packages"), "").unwrap();
        fs::write(mirror.join("dists/bookworm/Release"), "Suite: bookworm\n").unwrap();
        let mirror = format!("file:{}", mirror.display());
        let state = directory.path().join("apt");
        let error = DebianSuite::Bookworm.download_from(&mirror, "amd64", &["nix-bin"], &state);
        let error = error.unwrap_err().to_string();
        assert!(error.contains("is not signed"), "{error}");
    }
}
