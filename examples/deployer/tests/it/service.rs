//! The real service, with a hermetic Nix and a port of its own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use netboot_publish::{LocalStore, Publisher};
pub(crate) use netboot_testbed::PATIENCE;
use netboot_testbed::{HermeticNix, ReservedPort, TestFlake, Testbed};
use reqwest::{Method, RequestBuilder, StatusCode};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// The token of every test's service.
pub(crate) const TOKEN: &str = "0123456789abcdef0123456789abcdef";
/// The directories to which releases are published.
pub(crate) const SITES: [&str; 2] = ["osaka", "tokyo"];

/// Three machines that the configuration knows, each by another key.
pub(crate) const MACHINES: &str = r#"
[[machines.known]]
name = "node01"
match = { mac = "52:54:00:00:00:01" }
profile = "worker"

[[machines.known]]
name = "node02"
match = { serial = "S-2" }
profile = "worker"

[[machines.known]]
name = "node03"
match = { serial = "S-3" }
profile = "worker"
address = "127.0.0.33"
"#;

/// The query by which the first of them names itself.
pub(crate) const NODE01: &str = "mac=52-54-00-00-00-01";

/// The files of a service: its configuration, its state, its flake and its publishers.
pub(crate) struct Place {
    /// Fields are dropped in this order, so the store is removed last.
    directory: TempDir,
    nix: HermeticNix,
    /// For a service whose port machines have to know before it listens.
    pub(crate) port: ReservedPort,
}

/// A running service. It is killed when this is dropped.
pub(crate) struct Service {
    pub(crate) url: String,
    pub(crate) client: reqwest::Client,
    /// Its output before it listened.
    pub(crate) heard: String,
    process: Child,
    said: Receiver<String>,
}

impl Place {
    /// A place with the test flake, of this generation, and a configuration that publishes to
    /// [`SITES`].
    pub(crate) fn new(generation: &str) -> Self {
        let directory = TempDir::with_prefix("deployer-").unwrap();
        let (nix, port) = (HermeticNix::new(), ReservedPort::new());
        let place = Self { directory, nix, port };
        place.write_flake(generation);
        place.configure("");
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Replaces the flake by that of another generation.
    pub(crate) fn write_flake(&self, generation: &str) {
        let flake = TestFlake::new(&Testbed::locate(), generation);
        flake.write(&self.path("flake")).unwrap();
    }

    /// Like [`write_flake`](Self::write_flake), with a kernel that is built only when the returned
    /// file exists.
    pub(crate) fn write_gated_flake(&self, generation: &str) -> PathBuf {
        self.write_flake(generation);
        let gate = self.path(&format!("gate-{generation}"));
        let file = self.path("flake/configuration.nix");
        let text = fs::read_to_string(&file).unwrap();
        let ungated = "mkdir \"$out\"\n    cp \"$image\"";
        assert_eq!(
            text.matches(ungated).count(),
            1,
            "the test flake's kernel is made in another way"
        );
        let wait = format!("until [ -e '{}' ]; do sleep 0.05; done\n    {ungated}", gate.display());
        fs::write(&file, text.replace(ungated, &wait)).unwrap();
        gate
    }

    /// Writes the configuration: the sections of every test, and then these. No machine has its
    /// URL, but the URL is the same after each start, and so are scripts and releases.
    pub(crate) fn configure(&self, more: &str) {
        let at = |name: &str| self.path(name).display().to_string();
        let targets = SITES.map(|site| format!("{site} = '{}'\n", at(site)));
        let text = format!(
            "[deployer]\nlisten = '127.0.0.1:0'\nstate-directory = '{}'\ngrace-seconds = 5\n\
             url = 'http://192.0.2.1/boot'\n\
             [flake]\nreference = 'path:{}'\n[targets]\n{}{more}",
            at("state"),
            at("flake"),
            targets.concat(),
        );
        self.write_configuration(&text);
    }

    pub(crate) fn write_configuration(&self, text: &str) {
        fs::write(self.path("netboot.toml"), text).unwrap();
    }

    /// The program, not started.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_deployer"));
        command
            .arg("--config")
            .arg(self.path("netboot.toml"))
            .envs(self.nix.environment())
            .env("DEPLOYER_TOKEN", TOKEN)
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            // A process group of its own, as from a shell, so that signals do not reach the test.
            .process_group(0);
        command
    }

    /// Starts the service, and waits until it listens.
    pub(crate) fn start(&self) -> Service {
        Service::start(self.command())
    }

    /// The publisher to a site.
    pub(crate) fn publisher(&self, site: &str) -> Publisher {
        Publisher::new(LocalStore::new(self.path(site)))
    }

    /// Checks that all processes of a service have ended within a short time.
    pub(crate) fn assert_no_strays(&self) {
        let begin = Instant::now();
        loop {
            let strays = self.strays();
            if strays.is_empty() {
                return;
            }
            assert!(begin.elapsed() < PATIENCE, "{strays:#?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The command lines of processes that use this place, other than the service's own.
    fn strays(&self) -> Vec<String> {
        let (own, place) = (std::process::id().to_string(), self.directory.path());
        let places =
            [place.display().to_string(), self.nix.store_directory().display().to_string()];
        let mut strays = Vec::new();
        for entry in fs::read_dir("/proc").unwrap().filter_map(Result::ok) {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name == own || !name.chars().all(|character| character.is_ascii_digit()) {
                continue;
            }
            let read = |file: &str| fs::read(entry.path().join(file)).unwrap_or_default();
            let (line, environment) = (read("cmdline"), read("environ"));
            let text = String::from_utf8_lossy(&line).replace('\0', " ");
            let all = format!("{text}{}", String::from_utf8_lossy(&environment));
            if places.iter().any(|place| all.contains(place)) {
                strays.push(text);
            }
        }
        strays
    }
}

impl Service {
    /// Starts a service with a changed command, and waits until it listens.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut process = command.spawn().unwrap();
        let stderr = BufReader::new(process.stderr.take().unwrap());
        let (sender, said) = channel();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let mut heard = String::new();
        let url = loop {
            let line = said.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("the service does not start: {heard}"));
            if let Some(url) = line.strip_prefix("listening at ") {
                break url.trim_end_matches('/').to_owned();
            }
            heard += &line;
            heard.push('\n');
        };
        Self { url, client: reqwest::Client::new(), heard, process, said }
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.url))
    }

    /// Asks for a script as the machine of this query, from this loopback address. Returns the
    /// nonce in the script.
    pub(crate) async fn boot(&self, query: &str, from: &str) -> String {
        let client = client_at(from);
        let answer = client.get(format!("{}/boot?{query}", self.url)).send().await.unwrap();
        let script = answer.text().await.unwrap();
        let (_, rest) = script.split_once("nonce=").unwrap_or_else(|| panic!("{script}"));
        let nonce: String = rest.chars().take_while(char::is_ascii_hexdigit).collect();
        assert_eq!(nonce.len(), 32, "{script}");
        nonce
    }

    /// Sends a report from this loopback address.
    pub(crate) async fn report(&self, query: &str, from: &str) {
        let sent = client_at(from).get(format!("{}/report?{query}", self.url)).send().await;
        assert_eq!(sent.unwrap().status(), StatusCode::OK, "{query}");
    }

    /// The install plan of a machine, or why there is none.
    pub(crate) async fn plan(&self, machine: &str) -> (StatusCode, Value) {
        let path = format!("/api/machines/{machine}/install-plan");
        let response = self.get(&path).send().await.unwrap();
        (response.status(), response.json().await.unwrap())
    }

    /// A request with the token.
    pub(crate) fn change(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url)).bearer_auth(TOKEN)
    }

    pub(crate) async fn json(&self, path: &str) -> Value {
        let response = self.get(path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.json().await.unwrap()
    }

    /// Submits a job, and returns its number.
    pub(crate) async fn submit(&self, request: Value) -> String {
        let response = self.change(Method::POST, "/api/jobs").json(&request).send().await.unwrap();
        let status = response.status();
        let place =
            response.headers().get("location").map(|place| place.to_str().unwrap().to_owned());
        let job: Value = response.json().await.unwrap();
        assert_eq!(status, StatusCode::ACCEPTED, "{job}");
        let id = job["id"].as_str().unwrap().to_owned();
        assert_eq!(place.unwrap(), format!("/api/jobs/{id}"));
        id
    }

    pub(crate) async fn job(&self, id: &str) -> Value {
        self.json(&format!("/api/jobs/{id}")).await
    }

    /// Waits until the events of a job contain this text.
    pub(crate) async fn says(&self, id: &str, text: &str) {
        use futures::StreamExt;
        let mut heard = String::new();
        let events = self.get(&format!("/api/jobs/{id}/events")).send().await.unwrap();
        let mut events = events.bytes_stream();
        let listen = async {
            while !heard.contains(text) {
                let Some(bytes) = events.next().await else { return false };
                heard += &String::from_utf8_lossy(&bytes.unwrap());
            }
            true
        };
        let limit = PATIENCE;
        let said = tokio::time::timeout(limit, listen).await.unwrap_or(false);
        assert!(said, "the events of job {id} do not contain {text}: {heard}");
    }

    /// Waits until a job has finished.
    pub(crate) async fn finished(&self, id: &str) -> Value {
        let begin = Instant::now();
        loop {
            let job = self.job(id).await;
            if ["succeeded", "failed", "cancelled"].contains(&job["state"].as_str().unwrap()) {
                return job;
            }
            assert!(begin.elapsed() < PATIENCE, "the job has not finished: {job}");
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    /// Submits a job, and expects that it succeeds.
    pub(crate) async fn succeeds(&self, request: Value) -> Value {
        let job = self.finished(&self.submit(request).await).await;
        assert_eq!(job["state"], "succeeded", "{job:#}");
        job
    }

    pub(crate) async fn live(&self) -> Value {
        self.json("/api/releases").await["live"].clone()
    }

    /// The address at which it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.url.trim_start_matches("http://").parse().unwrap()
    }

    /// The id of its process.
    pub(crate) fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// A number in a file of `/proc` about the service's process, by its name.
    pub(crate) fn measured(&self, file: &str, name: &str) -> u64 {
        let text = fs::read_to_string(format!("/proc/{}/{file}", self.process_id())).unwrap();
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        value.unwrap().trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Waits until the service writes a line that contains this text to its log.
    pub(crate) fn hears(&self, text: &str) {
        let mut heard = Vec::new();
        loop {
            let line = self.said.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("no line has `{text}`: {heard:#?}"));
            if line.contains(text) {
                return;
            }
            heard.push(line);
        }
    }

    /// Ends the service with a signal. Returns its exit status and its output.
    pub(crate) fn end(mut self, signal: Signal) -> (ExitStatus, String) {
        let id = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw).unwrap();
        kill_process(id, signal).unwrap();
        let status = self.process.wait().unwrap();
        let said: Vec<String> = self.said.iter().collect();
        (status, said.join("\n"))
    }
}

/// A client whose requests come from this loopback address.
fn client_at(address: &str) -> reqwest::Client {
    reqwest::Client::builder().local_address(Some(address.parse().unwrap())).build().unwrap()
}

impl Drop for Service {
    fn drop(&mut self) {
        // A service that has been waited for is not killed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// All files below a directory, by path.
pub(crate) fn files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok) {
        if entry.file_type().unwrap().is_dir() {
            files.extend(self::files(&entry.path()));
        } else {
            files.push(entry.path());
        }
    }
    files
}
