//! Every command of the runbook runs, in the order of the text, in a temporary site with the real
//! programs, the test flake, and real Nix, QEMU and minisign.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use netboot_publish::{LocalStore, Publisher};
use netboot_qemu::DirectoryServer;
use netboot_testbed::{HermeticNix, Testbed, tool};
use tempfile::TempDir;

use crate::runbook::document::{self, Block};

/// The directory and the URL of the runbook's site.
const PUBLISHED: &str = "/srv/pxe/nixos";
const URL: &str = "http://10.0.0.1/";

/// The directory of its programs.
const INSTALLED: &str = "/opt/netboot/bin/";

#[tokio::test(flavor = "multi_thread")]
async fn every_command_runs() {
    let mut site = Site::new();
    let mut runs = 0;
    for block in document::blocks(&document::text()) {
        if let Some(name) = block.mark.strip_prefix("file: ") {
            fs::write(site.root.path().join(name), site.here(&block.text)).unwrap();
        }
        if block.language != "sh" {
            continue;
        }
        assert_shell_reads(&block);
        for line in lines(&block.text) {
            if block.mark == "deployer" {
                // The deployer's own test parses these.
                let program = format!("{INSTALLED}deployer ");
                let begins = |word: &&str| line.starts_with(*word);
                assert!(["curl ", "TOKEN=", &program].iter().any(begins), "{line}");
            } else if block.mark == "once" {
                assert_installs(&line);
            } else if block.mark == "other programs" {
                let ours = line.contains("cargo ") || line.starts_with("minisign ");
                assert!(!ours, "line {}: `{line}` could be run", block.line);
            } else {
                site.run(&line, block.line).await;
                runs += 1;
            }
        }
    }
    assert!(runs > 15, "the commands are written in another way: {runs}");
}

/// Checks that the line installs a package of this repository into the directory of the programs.
fn assert_installs(line: &str) {
    let words: Vec<&str> = line.split_whitespace().collect();
    let ["cargo", "install", "--locked", "--path", package, "--root", root] = words[..] else {
        panic!("`{line}` installs nothing")
    };
    assert!(document::root().join(package).join("Cargo.toml").is_file(), "{line}");
    assert_eq!(format!("{root}/bin/"), INSTALLED, "{line}");
}

/// The commands of a block, one for each, with continued lines joined.
fn lines(text: &str) -> Vec<String> {
    let text = text.replace("\\\n", " ");
    let is_command = |line: &&str| !line.is_empty() && !line.starts_with('#');
    text.lines().map(str::trim).filter(is_command).map(str::to_owned).collect()
}

fn assert_shell_reads(block: &Block) {
    let output = Command::new("sh").args(["-n", "-c", &block.text]).output().unwrap();
    assert!(output.status.success(), "line {}: {output:?}", block.line);
}

/// A machine on which all paths of the runbook are below one directory.
struct Site {
    nix: HermeticNix,
    root: TempDir,
    generation: u32,
    server: Option<DirectoryServer>,
}

impl Site {
    fn new() -> Self {
        let root = TempDir::new().unwrap();
        for directory in ["srv/pxe", "srv/tftp", "var/lib"] {
            fs::create_dir_all(root.path().join(directory)).unwrap();
        }
        let site = Self { nix: HermeticNix::new(), root, generation: 0, server: None };
        site.write_flake();
        site
    }

    /// Writes the flake of the current generation. Each generation makes different images.
    fn write_flake(&self) -> String {
        let generation = format!("generation-{}", self.generation);
        Testbed::locate().write_flake(&self.root.path().join("infrastructure"), &generation)
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path.trim_start_matches('/'))
    }

    /// Replaces the paths of the text by those of this site.
    fn here(&self, text: &str) -> String {
        let root = self.root.path().to_str().unwrap();
        ["/srv/", "/var/lib/"]
            .iter()
            .fold(text.to_owned(), |text, path| text.replace(path, &format!("{root}{path}")))
    }

    async fn run(&mut self, command: &str, line: usize) {
        let words: Vec<&str> = command.split_whitespace().collect();
        let (program, arguments) = match words.as_slice() {
            [program, arguments @ ..] => {
                (program.strip_prefix(INSTALLED).unwrap_or(program), arguments)
            }
            [] => panic!("line {line}: no command"),
        };
        let mut given = Vec::new();
        for argument in arguments {
            given.push(self.argument(program, argument, command).await);
        }
        let output = Command::new(binary(program, line))
            .args(&given)
            .envs(self.nix.environment())
            .current_dir(self.root.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "line {line}: {program} {given:?}: {said}");
        if program == "build-images" {
            // The next build has something new to build.
            self.generation += 1;
        }
    }

    async fn argument(&mut self, program: &str, argument: &str, command: &str) -> String {
        if argument == "../infrastructure" {
            return self.write_flake();
        }
        if argument.contains("$RELEASE") {
            let nagoya = "/srv/nagoya";
            let directory = if command.contains(nagoya) { nagoya } else { PUBLISHED };
            let release = oldest(&self.path(directory)).await;
            return self.here(&argument.replace("$RELEASE", &release));
        }
        if program == "verify-release" && argument == URL {
            if self.server.is_none() {
                let server = DirectoryServer::start(self.path(PUBLISHED)).await.unwrap();
                self.server = Some(server);
            }
            return self.server.as_ref().unwrap().url("").to_string();
        }
        self.here(argument)
    }
}

/// The release that was live first.
async fn oldest(directory: &Path) -> String {
    let publisher = Publisher::new(LocalStore::new(directory));
    publisher.history().await.unwrap().last().unwrap().release.to_string()
}

fn binary(program: &str, line: usize) -> PathBuf {
    let ours = [
        ("boot-in-qemu", env!("CARGO_BIN_EXE_boot-in-qemu")),
        ("build-images", env!("CARGO_BIN_EXE_build-images")),
        ("dispatch-fleet", env!("CARGO_BIN_EXE_dispatch-fleet")),
        ("export", env!("CARGO_BIN_EXE_export")),
        ("lint-script", env!("CARGO_BIN_EXE_lint-script")),
        ("publish-many", env!("CARGO_BIN_EXE_publish-many")),
        ("publish-proven", env!("CARGO_BIN_EXE_publish-proven")),
        ("releases", env!("CARGO_BIN_EXE_releases")),
        ("size-report", env!("CARGO_BIN_EXE_size-report")),
        ("verify-release", env!("CARGO_BIN_EXE_verify-release")),
    ];
    match program {
        "minisign" => return tool("minisign"),
        "netboot" => return netboot(),
        _ => {}
    }
    let found = ours.iter().find(|(name, _)| *name == program);
    let (_, path) = found.unwrap_or_else(|| panic!("line {line}: no test runs `{program}`"));
    path.into()
}

/// The program `netboot`, which cargo builds first: a package knows only its own programs.
fn netboot() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let build = || {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        build.args(["build", "--quiet", "--locked", "--package", "netboot-cli"]);
        let output = build.current_dir(document::root()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Path::new(env!("CARGO_BIN_EXE_embed")).with_file_name("netboot")
    };
    BUILT.get_or_init(build).clone()
}
