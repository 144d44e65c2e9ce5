//! A service with a live release whose image has a closure, and machines that run the real stage 1.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use netboot_closure::console::ConsoleLine;
use netboot_closure::nar::dump;
use netboot_closure::{Index, Packer, PathToPack, Sha256, StorePath};
use netboot_core::Context;
use netboot_testbed::Testbed;
use sha2::Digest;
use tempfile::TempDir;

use crate::service::{Place, SITES, Service};
use crate::small_release;

pub(crate) const CARD: &str = "52:54:00:00:00:01";

/// A place with a live release of one image with a closure.
pub(crate) struct ClosureSite {
    pub(crate) place: Place,
    pub(crate) index: Index,
    configuration: String,
}

impl ClosureSite {
    /// A site whose closure has store paths of these sizes in bytes.
    pub(crate) async fn new(sizes: &[usize], more: &str) -> Self {
        let place = Place::new("closures");
        let sources = place.path("sources");
        let paths: Vec<PathToPack> =
            (0..).zip(sizes).map(|(number, size)| path_to_pack(&sources, number, *size)).collect();
        let init = format!("{}/init", paths[0].path);
        let profile = "worker".parse().unwrap();
        let packing = Packer::new(place.path("packed"));
        let result = packing.pack_image(init, paths, &profile, &Context::new()).await;
        let (packed, closure) = result.unwrap();
        let image = small_release::image_with_closure("worker", closure);
        let source = "http://192.0.2.1/published".parse().unwrap();
        let renderer = small_release::renderer().closure_source(&source).unwrap();
        small_release::publish_images(&place.publisher(SITES[0]), renderer, [image]).await;

        let port = place.port.number();
        let at = |name: &str| place.path(name).display().to_string();
        let configuration = format!(
            "[deployer]\nlisten = '127.0.0.1:{port}'\nstate-directory = '{}'\n\
             [flake]\nreference = 'path:{}'\n\
             [targets]\n{} = '{}'\n\
             [[machines.known]]\nname = 'node01'\nprofile = 'worker'\n\
             match = {{ mac = '{CARD}' }}\n{more}",
            at("state"),
            at("flake"),
            SITES[0],
            at(SITES[0]),
        );
        place.write_configuration(&configuration);
        Self { place, index: packed.index, configuration }
    }

    /// The text of the configuration.
    pub(crate) fn configuration(&self) -> &str {
        &self.configuration
    }

    /// The published file of the largest store path.
    pub(crate) fn largest_blob(&self) -> PathBuf {
        let largest = self.index.entries().iter().max_by_key(|entry| entry.blob_size).unwrap();
        self.place.path(SITES[0]).join("blobs").join(largest.blob.to_string())
    }

    /// Boots the machine with [`CARD`] as far as the kernel command line of its script.
    pub(crate) async fn machine(&self, service: &Service) -> ClosureMachine {
        let answer = service.get(&format!("/boot?mac={CARD}")).send().await.unwrap();
        let script = answer.text().await.unwrap();
        let is_parameter =
            |word: &&str| word.starts_with("netboot.") || word.starts_with("BOOTIF=");
        let words: Vec<&str> = script.split_whitespace().filter(is_parameter).collect();
        let card = CARD.replace(':', "-");
        let line = words.join(" ").replace("${netX/mac:hexhyp}", &card);
        assert!(line.contains("netboot.index=") && line.contains(&card), "{script}");
        ClosureMachine::new(&line)
    }
}

fn path_to_pack(sources: &Path, number: usize, size: usize) -> PathToPack {
    let location = sources.join(number.to_string());
    fs::create_dir_all(&location).unwrap();
    // Digests do not compress, so the blob is as large as the file.
    let digests =
        (0..size.div_ceil(32)).flat_map(|part| sha2::Sha256::digest(format!("{number}/{part}")));
    fs::write(location.join("init"), digests.collect::<Vec<u8>>()).unwrap();
    let mut archive = Vec::new();
    dump(&location, &mut archive).unwrap();
    PathToPack {
        path: StorePath::from_base_name(&format!("{number:032}-path-{number}")).unwrap(),
        location,
        nar_hash: Sha256::from_bytes(sha2::Sha256::digest(&archive).into()),
        nar_size: archive.len() as u64,
        deriver: None,
        references: Vec::new(),
    }
}

/// The files of a machine that runs stage 1. Its network card has the address of the loopback.
pub(crate) struct ClosureMachine {
    directory: TempDir,
}

impl ClosureMachine {
    fn new(command_line: &str) -> Self {
        let machine = Self { directory: TempDir::with_prefix("machine-").unwrap() };
        fs::write(machine.path("cmdline"), command_line).unwrap();
        fs::write(machine.path("meminfo"), "MemAvailable: 8000000 kB\n").unwrap();
        let card = machine.path("net/lo");
        fs::create_dir_all(card.join("device")).unwrap();
        fs::write(card.join("address"), format!("{CARD}\n")).unwrap();
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Starts the real program with eight connections.
    pub(crate) fn start(&self) -> Child {
        let mut command = Command::new(Testbed::stage1_program());
        command.arg("--into").arg(self.path("store"));
        command.arg("--command-line").arg(self.path("cmdline"));
        command.arg("--memory").arg(self.path("meminfo"));
        command.arg("--interfaces").arg(self.path("net"));
        command.args(["--delay", "0", "--patience", "60", "--connections", "8"]);
        command.args(["--report-wait", "600"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Runs the program to its end.
    pub(crate) async fn run(&self) -> (bool, Vec<ConsoleLine>) {
        let child = self.start();
        ended(&tokio::task::spawn_blocking(|| child.wait_with_output()).await.unwrap().unwrap())
    }
}

/// The success of a program, and what it said.
pub(crate) fn ended(output: &Output) -> (bool, Vec<ConsoleLine>) {
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines: Vec<ConsoleLine> = said.lines().filter_map(ConsoleLine::parse).collect();
    assert!(!lines.is_empty(), "{output:?}");
    (output.status.success(), lines)
}
