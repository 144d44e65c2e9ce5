//! The script of a tree, run by real shells. The programs that it runs are doubles: the boot of a
//! loaded kernel is tested in a machine.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use netboot_core::{Image, Sha256Digest};
use netboot_ipxe::kexec::KexecForm;
use netboot_testbed::write_program;
use tempfile::TempDir;

use super::{tree, write};
use crate::images::{closure_image, image};

/// Parameters with everything that a shell treats specially.
const HOSTILE: [&str; 14] = [
    "a=$(touch${IFS}owned)",
    "b=`touch${IFS}owned`",
    "c='d",
    "e=\";touch owned;\"",
    "f=g;touch",
    "h=*",
    "i=~root",
    "j=\\",
    "k=%s%n",
    "--reset-vga",
    "l=m&&reboot|reboot>owned<owned",
    "#n",
    "o=!1",
    "\"p=two  words\"",
];

/// A directory with a tree, and a directory of programs before all others.
struct Scene {
    work: TempDir,
}

impl Scene {
    async fn new(image: &Image, sources: &[&str], form: KexecForm) -> Self {
        let work = TempDir::new().unwrap();
        let scene = Self { work };
        // A name that a shell would split.
        for directory in [scene.tree(), scene.programs()] {
            fs::create_dir(directory).unwrap();
        }
        write(&tree(image, sources).await.unwrap(), form, &scene.tree()).await;
        scene.program("id", "echo 0");
        scene.program("uname", "echo x86_64");
        scene.forbidding("0");
        scene.program("kexec", "[ \"$1\" = --version ] || printf '%s\\0' \"$@\" > \"$SAID\"");
        scene
    }

    fn tree(&self) -> std::path::PathBuf {
        self.work.path().join("a tree; $x")
    }

    fn programs(&self) -> std::path::PathBuf {
        self.work.path().join("programs")
    }

    /// Adds a program that runs instead of the system's.
    fn program(&self, name: &str, text: &str) {
        make_program(&self.programs().join(name), text);
    }

    /// Gives the kernel's setting `kexec_load_disabled` this value.
    fn forbidding(&self, value: &str) {
        let text = format!("case $1 in /proc/*) echo {value} ;; *) exec /bin/cat \"$@\" ;; esac");
        self.program("cat", &text);
    }

    /// Runs the script with each shell. It never starts the kernel that it loads.
    fn run(&self, script: &str, arguments: &[&str]) -> Vec<Output> {
        let run = |program: &str, before: &[&str]| {
            let path = format!("{}:/usr/bin:/bin", self.programs().display());
            Command::new(program)
                .args(before)
                .arg(self.tree().join(script))
                .args(arguments)
                .arg("--load-only")
                .env("PATH", path)
                .env("SAID", self.work.path().join("said"))
                .current_dir(self.work.path())
                .output()
                .unwrap()
        };
        // The shell of busybox would run its own programs, and not the doubles.
        vec![run("/bin/sh", &[]), run("/bin/bash", &["--posix"])]
    }

    /// The arguments that `kexec` got with each shell.
    fn loaded(&self, script: &str, arguments: &[&str]) -> Vec<String> {
        for output in self.run(script, arguments) {
            assert!(output.status.success(), "{output:?}");
        }
        let said = fs::read_to_string(self.work.path().join("said")).unwrap();
        let mut said: Vec<String> = said.split('\0').map(str::to_owned).collect();
        assert_eq!(said.pop().as_deref(), Some(""));
        said
    }

    /// The messages with which the script ends, and loads nothing.
    fn refusals(&self, arguments: &[&str]) -> Vec<String> {
        let outputs = self.run("kexec-boot", arguments).into_iter();
        let messages = outputs.map(|output| {
            assert_eq!(output.status.code(), Some(1), "{output:?}");
            String::from_utf8(output.stderr).unwrap()
        });
        let messages = messages.collect();
        assert!(!self.work.path().join("said").exists(), "{messages:?}");
        messages
    }
}

fn make_program(path: &Path, text: &str) {
    write_program(path, &format!("#!/bin/sh\n{text}\n"));
}

#[tokio::test]
async fn no_text_of_a_configuration_becomes_shell() {
    let image = image("worker", "The $(worker)", &HOSTILE, &["initrd"]);
    for (form, script) in [(KexecForm::Tree, "kexec-boot"), (KexecForm::Installer, "run")] {
        let scene = Scene::new(&image, &[], form).await;
        let line = image.boot().command_line().unwrap();
        let line = format!("--command-line={line}");
        let expected = ["--load", "--initrd=initrd", &line, "bzImage"];
        assert_eq!(scene.loaded(script, &[]), expected);
        assert!(!scene.work.path().join("owned").exists());
        assert!(!scene.tree().join("owned").exists());
    }
}

/// nixos-anywhere gives the option each time, and often without a flag.
#[tokio::test]
async fn more_options_for_kexec_are_words() {
    let image = image("worker", "The worker", &["quiet"], &["initrd"]);
    let scene = Scene::new(&image, &[], KexecForm::Installer).await;
    let loaded = scene.loaded("run", &["--kexec-extra-flags", "--no-checks  * $(reboot)"]);
    assert_eq!(loaded[..4], ["--load", "--no-checks", "*", "$(reboot)"]);
    assert_eq!(scene.loaded("run", &["--kexec-extra-flags", ""])[1], "--initrd=initrd");
}

#[tokio::test]
async fn an_image_with_a_closure_is_told_its_card() {
    let image = closure_image("worker", &["quiet"]);
    let scene = Scene::new(&image, &["http://10.0.0.1/"], KexecForm::Tree).await;
    let loaded = scene.loaded("kexec-boot", &["--card", "lo"]);
    let line = "--command-line=BOOTIF=01-00-00-00-00-00-00 init=/nix/store/";
    assert!(loaded[2].starts_with(line), "{loaded:?}");
    fs::remove_file(scene.work.path().join("said")).unwrap();
    for card in ["../../class/net/lo", "..", "none", "$(reboot)"] {
        for said in scene.refusals(&["--card", card]) {
            assert!(said.contains("there is no network card"), "{said}");
        }
    }
}

#[tokio::test]
async fn what_cannot_start_is_refused_with_the_reason() {
    let image = image("worker", "The worker", &["quiet"], &["initrd"]);
    let says = |said: Vec<String>, text: &str| {
        assert!(said.iter().all(|said| said.contains(text)), "{said:#?}");
    };
    let scene = Scene::new(&image, &[], KexecForm::Tree).await;
    says(scene.refusals(&["--lode-only"]), "there is no option --lode-only");
    says(scene.refusals(&["--card", "lo"]), "--card has no effect");

    scene.program("uname", "echo aarch64");
    says(scene.refusals(&[]), "the kernel is for x86_64, but this machine is aarch64");
    scene.program("uname", "echo x86_64");
    scene.program("id", "echo 1000");
    says(scene.refusals(&[]), "only root");
    scene.program("id", "echo 0");
    scene.program("kexec", "exit 1");
    says(scene.refusals(&[]), "does not run on this machine");

    let scene = Scene::new(&image, &[], KexecForm::Tree).await;
    fs::remove_file(scene.programs().join("kexec")).unwrap();
    // An own program is taken before that of the system, if the list of digests has it.
    make_program(&scene.tree().join("kexec"), "exit 1");
    says(scene.refusals(&[]), "does not name kexec: copy the directory again");
    let sums = scene.tree().join("SHA256SUMS");
    let listed = fs::read_to_string(&sums).unwrap();
    let kexec = Sha256Digest::of(&fs::read(scene.tree().join("kexec")).unwrap());
    fs::write(&sums, format!("{listed}{kexec}  kexec\n")).unwrap();
    says(scene.refusals(&[]), "a tree; $x/kexec does not run on this machine");
    // A copy of the list that ended early.
    for length in [listed.len() - 2, listed.len() / 2, 0] {
        fs::write(&sums, &listed[..length]).unwrap();
        fs::remove_file(scene.tree().join("kexec")).ok();
        says(scene.refusals(&[]), "copy the directory again");
    }
    fs::write(&sums, &listed).unwrap();
    scene.program("kexec", "exit 0");
    scene.forbidding("1");
    says(scene.refusals(&[]), "this system forbids kexec until it is restarted");
    for name in ["bzImage", "initrd", "cmdline", "kexec-boot"] {
        let path = scene.tree().join(name);
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, [&bytes[..], b"\n"].concat()).unwrap();
        let said = scene.refusals(&[]);
        says(said, "are not those that netboot wrote");
        fs::write(&path, bytes).unwrap();
    }
    fs::remove_file(scene.tree().join("SHA256SUMS")).unwrap();
    says(scene.refusals(&[]), "copy the directory again");
}

#[tokio::test]
async fn the_help_needs_no_root() {
    let image = image("worker", "The worker", &[], &["initrd"]);
    let scene = Scene::new(&image, &[], KexecForm::Tree).await;
    scene.program("id", "echo 1000");
    for output in scene.run("kexec-boot", &["--help"]) {
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && said.contains("--load-only"), "{said}");
        assert!(
            said.contains("Starts the profile worker in place of the running system"),
            "{said}"
        );
    }
}
