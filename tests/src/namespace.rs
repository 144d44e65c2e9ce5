//! A network namespace, and the servers that run in it.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use netboot_testbed::{PATIENCE, tool};

/// A process that ends when this value is dropped, and when the thread that started it ends.
#[derive(Debug)]
pub(crate) struct Process(Child);

impl Process {
    /// Starts a program by `setpriv`, so that the kernel kills it when the test ends for any
    /// reason.
    pub(crate) fn start(mut prefix: Command, program: &Path, arguments: &[&str]) -> Self {
        prefix.arg(tool("setpriv")).args(["--pdeathsig", "KILL", "--"]);
        Self(prefix.arg(program).args(arguments).spawn().unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A process that ended by itself is not an error here; the test checks that.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A network namespace in its own user namespace, so that any user can create one. It exists until
/// this value is dropped.
#[derive(Debug)]
pub struct Namespace {
    process: Process,
}

impl Namespace {
    /// Creates a namespace and runs `script` in it with `sh` as root.
    pub fn new(script: &str) -> Self {
        let mut command = Command::new(tool("unshare"));
        command.args(["--user", "--map-root-user", "--net"]);
        Self::start(command, script)
    }

    /// Creates a namespace with the same root user, whose interfaces can be connected to this one.
    #[must_use]
    pub fn neighbour(&self, script: &str) -> Self {
        let mut command = self.enter();
        command.arg(tool("unshare")).arg("--net");
        Self::start(command, script)
    }

    fn start(mut command: Command, script: &str) -> Self {
        // It ends when its standard input is closed.
        let script = format!("set -e\n{script}\necho ready\nexec cat\n");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = Process::start(command, &tool("sh"), &["-c", &script]);
        let mut line = String::new();
        BufReader::new(process.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n", "the namespace's script failed");
        Self { process }
    }

    /// The id of a process in the namespace.
    pub fn id(&self) -> u32 {
        self.process.0.id()
    }

    /// The start of a command that runs in the namespace.
    pub(crate) fn enter(&self) -> Command {
        let mut command = Command::new(tool("nsenter"));
        command.args(["--preserve-credentials", "--user", "--net", "--target"]);
        command.arg(self.id().to_string()).arg("--");
        command
    }

    /// Runs a script in the namespace to its end.
    pub fn run(&self, script: &str) {
        let status = self.enter().arg(tool("sh")).args(["-e", "-c", script]).status().unwrap();
        assert!(status.success(), "{script}: {status}");
    }

    /// Starts a server in the namespace with its output in `log`, and waits until it prints
    /// `ready`.
    pub fn serve(
        &self,
        program: &Path,
        arguments: &[&str],
        environment: &[(&str, &Path)],
        log: &Path,
        ready: &str,
    ) -> Server {
        let mut command = self.enter();
        let file = File::create(log).unwrap();
        command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
        command.envs(environment.iter().copied());
        let process = Process::start(command, program, arguments);
        let mut server = Server { process, log: log.to_owned() };
        server.wait_until(|server| server.log().contains(ready), ready);
        server
    }
}

/// A server in a namespace. It ends when this value is dropped.
#[derive(Debug)]
pub struct Server {
    process: Process,
    log: PathBuf,
}

impl Server {
    /// Its output so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap()).into_owned()
    }

    /// Waits until a TCP port of its namespace listens.
    pub(crate) fn wait_for_port(&mut self, port: u16) {
        // Local address and port, remote address and port, and the state LISTEN (Linux's
        // proc_net_tcp).
        let listens = format!(":{port:04X} 00000000:0000 0A");
        let table = format!("/proc/{}/net/tcp", self.process.0.id());
        self.wait_until(|_| std::fs::read_to_string(&table).unwrap().contains(&listens), &listens);
    }

    fn wait_until(&mut self, is_ready: impl Fn(&Self) -> bool, sign: &str) {
        let started = Instant::now();
        while !is_ready(self) {
            let ended = self.process.0.try_wait().unwrap();
            let log = self.log();
            assert!(ended.is_none(), "the server ended ({ended:?}):\n{log}");
            assert!(started.elapsed() < PATIENCE, "no `{sign}` of the server:\n{log}");
            sleep(Duration::from_millis(20));
        }
    }
}
