//! A test that runs again as a process of its own.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::geteuid;

use crate::program_file::copy_program;
use crate::tool::tool;

/// Set in the process.
const MARK: &str = "NETBOOT_TEST_PROCESS";

/// A test that runs again as a process of its own: behind another program, with other variables, as
/// another user, or where it may mount file systems.
///
/// ```no_run
/// use netboot_testbed::TestProcess;
///
/// fn a_clock_that_is_slow_is_told() {
///     let name = "clocks::a_clock_that_is_slow_is_told";
///     if TestProcess::behind(&["faketime", "-f", "-1h"], name).is_this() {
///         println!("here the clock is slow");
///     }
/// }
/// ```
#[derive(Debug)]
pub struct TestProcess {
    command: Command,
}

impl TestProcess {
    /// The test of this name, such as `clocks::a_clock_that_is_slow_is_told`.
    pub fn new(test: &str) -> Self {
        Self::behind(&[], test)
    }

    /// The test behind a program and its arguments.
    ///
    /// # Panics
    /// If the program is not installed.
    pub fn behind(prefix: &[&str], test: &str) -> Self {
        Self::of(prefix, &this_program(), test)
    }

    /// The test where it may mount file systems, which nobody else sees.
    ///
    /// # Panics
    /// If `unshare` is not installed.
    pub fn with_mounts(test: &str) -> Self {
        let options = if geteuid().is_root() { "-m" } else { "-Urm" };
        Self::behind(&["unshare", options], test)
    }

    /// The test in a network of its own, whose only interface is down.
    ///
    /// # Panics
    /// If `unshare` is not installed.
    pub fn with_network(test: &str) -> Self {
        let of_user = ["unshare", "-Un", "--map-current-user", "--keep-caps"];
        let prefix = if geteuid().is_root() { &["unshare", "-n"] } else { &of_user[..] };
        Self::behind(prefix, test)
    }

    /// The test as a user for whom the rights of files count: as another user if this one is root.
    /// The other user runs a copy of the program in `directory`, and needs access to it.
    ///
    /// # Panics
    /// If `setpriv` is not installed, or the program cannot be copied.
    pub fn without_root(directory: &Path, test: &str) -> Self {
        if !geteuid().is_root() {
            return Self::new(test);
        }
        let program = directory.join("tests");
        if !program.exists() {
            copy_program(&this_program(), &program);
        }
        let prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
        let mut process = Self::of(&prefix, &program, test);
        process.command.current_dir(directory).env("TMPDIR", "/tmp");
        process
    }

    fn of(prefix: &[&str], program: &Path, test: &str) -> Self {
        let mut command = match prefix {
            [] => Command::new(program),
            [first, rest @ ..] => {
                // The process itself may lack the program, and does not run it.
                let found = if is_running() { first.into() } else { tool(first) };
                let mut command = Command::new(found);
                command.args(rest).arg(program);
                command
            }
        };
        command.args([test, "--exact", "--nocapture", "--test-threads=1"]).env(MARK, "1");
        Self { command }
    }

    /// Sets a variable of the process.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Sets variables of the process.
    #[must_use]
    pub fn envs<N: AsRef<OsStr>, V: AsRef<OsStr>>(
        mut self,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        self.command.envs(variables);
        self
    }

    /// Leaves out a variable that the process would inherit.
    #[must_use]
    pub fn env_remove(mut self, name: impl AsRef<OsStr>) -> Self {
        self.command.env_remove(name);
        self
    }

    /// The command that starts the process.
    pub fn command(self) -> Command {
        self.command
    }

    /// Runs the process, and returns what it prints.
    ///
    /// # Panics
    /// If the test does not pass.
    #[expect(clippy::panic, reason = "a test that fails in its process has failed")]
    pub fn passes(mut self) -> String {
        let ended = self.command.stdin(Stdio::null()).output();
        let ended = ended.unwrap_or_else(|error| panic!("{:?}: {error}", self.command));
        let [stdout, stderr] =
            [ended.stdout, ended.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
        let is_passed = ended.status.success() && stdout.contains("1 passed");
        assert!(is_passed, "{:?}: {}\n{stdout}{stderr}", self.command, ended.status);
        stdout + &stderr
    }

    /// Returns true in the process. Elsewhere, it runs the process and returns false.
    ///
    /// # Panics
    /// If the test does not pass in the process.
    pub fn is_this(self) -> bool {
        let is_this = is_running();
        if !is_this {
            self.passes();
        }
        is_this
    }
}

fn is_running() -> bool {
    env::var_os(MARK).is_some()
}

#[expect(clippy::expect_used, reason = "a test that does not find itself has failed")]
fn this_program() -> PathBuf {
    env::current_exe().expect("the program of the tests")
}
