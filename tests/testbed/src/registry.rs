//! A real registry that speaks the OCI distribution API.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::or_fail;
use crate::loopback_server::LoopbackServer;
use crate::tool;

/// The line of htpasswd for the user and the password of [`Registry`], with bcrypt.
const HTPASSWD: &str =
    "netboot-tests:$2b$05$abcdefghijklmnopqrstuuBdd/beQLOhD0XcgJ2wlY1HK2zpY9SJe\n";

/// The users of a [`Registry`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistryAccess {
    /// Everyone.
    Anyone,
    /// The user of the tests, with a password.
    Password,
    /// Whoever has a token. The URL is the one of the server that gives tokens. The registry looks
    /// only whether there is one.
    Token(String),
}

/// The reference implementation of a registry, `docker-registry`, on a reserved port of the
/// loopback interface.
///
/// It listens when the constructor returns, and is killed when this is dropped, or when the process
/// that started it ends. It deletes manifests, and keeps everything in its directory.
///
/// ```no_run
/// use netboot_testbed::{Registry, RegistryAccess};
///
/// let registry = Registry::start("target/registry".as_ref(), &RegistryAccess::Password);
/// println!("{} {} {}", registry.address(), registry.user(), registry.password());
/// ```
#[derive(Debug)]
pub struct Registry {
    server: LoopbackServer,
    directory: PathBuf,
}

impl Registry {
    /// Starts a registry with its data, its configuration and its log in `directory`.
    ///
    /// # Panics
    /// If it does not start; the message has the end of its log, or says what to install.
    pub fn start(directory: &Path, access: &RegistryAccess) -> Self {
        Self::start_with(directory, access, true)
    }

    /// Starts a registry that does not delete.
    ///
    /// # Panics
    /// If it does not start.
    pub fn without_deletion(directory: &Path) -> Self {
        Self::start_with(directory, &RegistryAccess::Anyone, false)
    }

    fn start_with(directory: &Path, access: &RegistryAccess, deletes: bool) -> Self {
        or_fail(fs::create_dir_all(directory), "the registry's directory");
        let directory = or_fail(fs::canonicalize(directory), "the registry's directory");
        let shown = directory.display();
        let auth = match access {
            RegistryAccess::Anyone => String::new(),
            RegistryAccess::Password => {
                or_fail(fs::write(directory.join("htpasswd"), HTPASSWD), "the password");
                format!("auth: {{htpasswd: {{realm: tests, path: {shown}/htpasswd}}}}\n")
            }
            RegistryAccess::Token(url) => {
                format!("auth: {{silly: {{realm: \"{url}\", service: tests}}}}\n")
            }
        };
        let text = format!(
            "version: 0.1\n\
             log: {{level: warn, accesslog: {{disabled: true}}}}\n\
             storage: {{filesystem: {{rootdirectory: {shown}/data}}, delete: {{enabled: {deletes}}}}}\n\
             http: {{addr: 127.0.0.1:0}}\n{auth}"
        );
        let configuration = directory.join("registry.yml");
        or_fail(fs::write(&configuration, text), "the registry's configuration");
        let log = directory.join("registry.log");
        let server = LoopbackServer::start(&log, |port| command(&configuration, port));
        Self { server, directory }
    }

    /// The address that it listens on, such as `127.0.0.1:5000`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.server.port())
    }

    /// The only user of a registry with a password.
    pub fn user(&self) -> &'static str {
        "netboot-tests"
    }

    /// The user's password.
    pub fn password(&self) -> &'static str {
        "a secret of the tests"
    }

    /// The end of its log.
    pub fn log(&self) -> String {
        self.server.log()
    }

    /// Kills the registry as a power failure would.
    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// Kills the registry, if it still runs, and starts it again on its port with its data.
    ///
    /// # Panics
    /// If it does not start.
    pub fn restart(&mut self) {
        let configuration = self.configuration();
        self.server.restart(|port| command(&configuration, port));
    }

    /// Deletes the blobs that no manifest names, as an operator does while the registry does not
    /// run, and starts it again.
    ///
    /// # Panics
    /// If the garbage cannot be collected.
    pub fn collect_garbage(&mut self) {
        self.kill();
        let mut collect = std::process::Command::new(tool("docker-registry"));
        let collected = collect.arg("garbage-collect").arg(self.configuration()).output();
        let collected = or_fail(collected, "collecting garbage");
        assert!(collected.status.success(), "{}", String::from_utf8_lossy(&collected.stderr));
        self.restart();
    }

    fn configuration(&self) -> PathBuf {
        self.directory.join("registry.yml")
    }
}

fn command(configuration: &Path, port: u16) -> Vec<String> {
    let (registry, configuration) = (tool("docker-registry"), configuration.display().to_string());
    let address = format!("REGISTRY_HTTP_ADDR=127.0.0.1:{port}");
    let (env, registry) = (tool("env").display().to_string(), registry.display().to_string());
    vec![env, address, registry, "serve".to_owned(), configuration]
}
