//! Every command of the book runs, in the order of its summary. The pages of the runbook share a
//! temporary machine with the real programs, the test flake, and real Nix, QEMU and minisign. Each
//! other page has a machine of its own.
//!
//! The mark of a block says what becomes of its commands:
//!
//! | mark | commands |
//! |---|---|
//! | none | run |
//! | `once` | install programs, from a checkout of this repository |
//! | `deployer` | the deployer's own test parses them |
//! | `other programs` | are those of an operator's machine, and none of ours |
//! | `shown by: PACKAGE TEST` | the named test runs them in another place |

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use netboot_publish::{LocalStore, Publisher};
use netboot_qemu::DirectoryServer;
use netboot_testbed::{HermeticNix, Testbed, tool};
use tempfile::TempDir;

use crate::netboot_program::netboot;
use crate::runbook::document::{self, Page, Proof};
use crate::runbook::proofs::missing;

/// The target of the runbook's examples, and its URL.
const PUBLISHED: &str = "/srv/pxe/nixos";
const URL: &str = "http://10.0.0.1/";

/// The directory of its programs.
const INSTALLED: &str = "/opt/netboot/bin/";

/// The program that machines assemble their closures with.
const STAGE1: &str = "/usr/lib/netboot/netboot-stage1";

#[tokio::test(flavor = "multi_thread")]
async fn every_command_runs() {
    let (mut runs, mut of_the_runbook) = (0, None);
    for page in document::pages() {
        let mut own = None;
        let machine = if page.is_of_the_runbook() { &mut of_the_runbook } else { &mut own };
        runs += run_page(&page, machine).await;
    }
    assert!(runs > 25, "the commands are written in another way: {runs}");
}

/// Runs the commands of a page, and returns their number. The first that needs the machine makes it.
async fn run_page(page: &Page, machine: &mut Option<BuildMachine>) -> usize {
    let mut runs = 0;
    for block in document::blocks(&page.text) {
        let at = format!("{}:{}", page.path, block.line);
        if let Some(name) = block.mark.strip_prefix("file: ") {
            let machine = machine.get_or_insert_with(BuildMachine::new);
            fs::write(machine.root.path().join(name), machine.here(&block.text)).unwrap();
        }
        if block.language != "sh" {
            continue;
        }
        assert_shell_reads(&block.text, &at);
        if let Some(proof) = block.mark.strip_prefix("shown by: ") {
            assert_eq!(missing(&[Proof::parse(proof, block.line)]), Vec::<String>::new(), "{at}");
            continue;
        }
        for line in lines(&block.text) {
            match block.mark.as_str() {
                "deployer" => {
                    let program = format!("{INSTALLED}deployer ");
                    let begins = |word: &&str| line.starts_with(*word);
                    let known = ["api ", "api() ", "curl ", "RELEASE=", "TOKEN=", &program];
                    assert!(known.iter().any(begins), "{at}: {line}");
                }
                "once" => assert_prepares(&line, &at),
                "other programs" => {
                    let ours = ["cargo ", "netboot ", "minisign "];
                    assert!(!ours.iter().any(|it| line.starts_with(it)), "{at}: {line}");
                }
                _ => {
                    machine.get_or_insert_with(BuildMachine::new).run(&line, &at).await;
                    runs += 1;
                }
            }
        }
    }
    runs
}

/// Checks that the line does its part to install a package of this repository, or that it is one of
/// its chores.
fn assert_prepares(line: &str, at: &str) {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words[..] {
        ["git", "clone", url] => assert_eq!(url, "https://github.com/plasmacloud/netboot", "{at}"),
        ["cd" | "mkdir", _] | ["apt-get", "install", ..] => {}
        ["cargo", "install", "--locked", "--path", package, ref root @ ..] => {
            assert!(document::root().join(package).join("Cargo.toml").is_file(), "{at}: {line}");
            let is_root = matches!(root, [] | ["--root", "/opt/netboot"]);
            assert!(is_root, "{at}: {line}");
        }
        [
            flags,
            _,
            "cargo",
            "build",
            "--locked",
            "--package",
            package,
            "--profile",
            "stage1",
            ..,
        ] => {
            assert!(flags.starts_with("RUSTFLAGS="), "{at}: {line}");
            assert!(document::root().join("crates").join(package).is_dir(), "{at}: {line}");
        }
        ["cargo", "xtask", chore, ..] => {
            let chores = fs::read_to_string(document::root().join("crates/xtask/src/main.rs"));
            let mut name = chore.to_owned();
            name[..1].make_ascii_uppercase();
            assert!(chores.unwrap().contains(&format!("Chore::{name} ")), "{at}: {line}");
        }
        _ => panic!("{at}: `{line}` installs nothing"),
    }
}

/// The commands of a block, one for each, with continued lines joined.
fn lines(text: &str) -> Vec<String> {
    let text = text.replace("\\\n", " ");
    let is_command = |line: &&str| !line.is_empty() && !line.starts_with('#');
    text.lines().map(str::trim).filter(is_command).map(str::to_owned).collect()
}

fn assert_shell_reads(text: &str, at: &str) {
    let output = Command::new("sh").args(["-n", "-c", text]).output().unwrap();
    assert!(output.status.success(), "{at}: {output:?}");
}

/// A machine that builds and publishes. All paths of the runbook are below one directory there.
struct BuildMachine {
    nix: HermeticNix,
    root: TempDir,
    generation: u32,
    server: Option<DirectoryServer>,
}

impl BuildMachine {
    fn new() -> Self {
        let root = TempDir::new().unwrap();
        for directory in ["srv/pxe", "srv/tftp", "var/lib"] {
            fs::create_dir_all(root.path().join(directory)).unwrap();
        }
        let machine = Self { nix: HermeticNix::new(), root, generation: 0, server: None };
        machine.write_flake();
        machine
    }

    /// Writes the flake of the current generation. Each generation makes different images.
    fn write_flake(&self) -> String {
        let generation = format!("generation-{}", self.generation);
        Testbed::locate().write_flake(&self.root.path().join("infrastructure"), &generation)
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path.trim_start_matches('/'))
    }

    /// Replaces the paths of the text by those of this machine.
    fn here(&self, text: &str) -> String {
        let root = self.root.path().to_str().unwrap();
        ["/srv/", "/var/lib/"]
            .iter()
            .fold(text.to_owned(), |text, path| text.replace(path, &format!("{root}{path}")))
    }

    async fn run(&mut self, command: &str, at: &str) {
        let (program, arguments) = command.split_once(' ').unwrap_or((command, ""));
        let program = program.strip_prefix(INSTALLED).unwrap_or(program);
        let builds = arguments.contains("../infrastructure");
        let given = self.given(arguments).await;
        let program_file = binary(program, at);
        let output = Command::new("sh")
            .args(["-c", &format!("{} {given}", program_file.display())])
            .envs(self.nix.environment())
            .current_dir(self.root.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{at}: {program} {given}: {said}");
        if builds {
            // The next build has something new to build.
            self.generation += 1;
        }
    }

    /// The arguments of a command, for this machine.
    async fn given(&mut self, arguments: &str) -> String {
        let mut given = self.here(arguments);
        if given.contains("../infrastructure") {
            given = given.replace("../infrastructure", &self.write_flake());
        }
        if given.contains("$RELEASE") {
            let nagoya = "/srv/nagoya";
            let directory = if arguments.contains(nagoya) { nagoya } else { PUBLISHED };
            given = given.replace("$RELEASE", &oldest(&self.path(directory)).await);
        }
        let verifies = arguments.starts_with("verify ");
        if verifies && given.split(' ').any(|word| word == URL) {
            if self.server.is_none() {
                let server = DirectoryServer::start(self.path(PUBLISHED)).await.unwrap();
                self.server = Some(server);
            }
            given = given.replace(URL, self.server.as_ref().unwrap().url("").as_str());
        }
        if given.contains(STAGE1) {
            given = given.replace(STAGE1, Testbed::stage1_program().to_str().unwrap());
        }
        given
    }
}

/// The release that was live first.
async fn oldest(directory: &Path) -> String {
    let publisher = Publisher::new(LocalStore::new(directory));
    publisher.history().await.unwrap().last().unwrap().release.to_string()
}

fn binary(program: &str, at: &str) -> PathBuf {
    match program {
        "minisign" => tool("minisign"),
        "netboot" => netboot(),
        "echo" => program.into(),
        _ => panic!("{at}: no test runs `{program}`"),
    }
}
