//! A real sshd.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{fail, or_fail};
use crate::loopback_server::LoopbackServer;
use crate::{DebianTree, tool};

/// Starts sshd, as root, where the user exists that it wants for its unprivileged part, and the
/// directory that it locks that part into; nobody else sees either.
const AS_ROOT: &str = r#"set -e
mount --bind "$1/passwd" /etc/passwd
mount --bind "$1/shadow" /etc/shadow
mount -t tmpfs tmpfs /run
mkdir -m 755 /run/sshd
shift
exec "$@""#;

/// OpenSSH's server on a reserved port of the loopback interface, into which the user that the test
/// runs as can log in.
///
/// It listens when the constructor returns, and is killed with all its sessions when this is
/// dropped, or when the process that started it ends in whatever way. It is not installed, but
/// comes from [`DebianTree::OPENSSH_SERVER`].
///
/// ```no_run
/// use netboot_testbed::SshServer;
///
/// let server = SshServer::start("target/sshd".as_ref());
/// let identity = server.authorize("publisher", "restrict,command=\"rrsync /srv/pxe\"");
/// println!("ssh -i {} -p {} {}@127.0.0.1", identity.display(), server.port(), server.user());
/// ```
#[derive(Debug)]
pub struct SshServer {
    server: LoopbackServer,
    directory: PathBuf,
    user: String,
    settings: String,
}

impl SshServer {
    /// Starts a server with its keys, its configuration and its log in `directory`.
    ///
    /// # Panics
    /// If it does not start; the message has the end of its log, or says what to install.
    pub fn start(directory: &Path) -> Self {
        Self::start_with(directory, &[])
    }

    /// Starts a server with these additional lines of `sshd_config(5)`, such as `MaxSessions 1`.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    pub fn start_with(directory: &Path, settings: &[&str]) -> Self {
        let settings = settings.join("\n");
        or_fail(fs::create_dir_all(directory), "the server's directory");
        let directory = or_fail(fs::canonicalize(directory), "the server's directory");
        make_key(&directory.join("host_key"));
        or_fail(fs::write(directory.join("authorized_keys"), ""), "the authorized keys");
        if is_root() {
            write_accounts(&directory);
        }
        let log = directory.join("sshd.log");
        let server = LoopbackServer::start(&log, |port| command(&directory, port, &settings));
        Self { server, directory, user: user(), settings }
    }

    /// The port it listens on, at 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// The user that can log in: the one that the test runs as.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The public key of the host: type, base64, comment.
    ///
    /// # Panics
    /// If it cannot be read.
    pub fn host_key(&self) -> String {
        let path = self.directory.join("host_key.pub");
        or_fail(fs::read_to_string(path), "the host key").trim_end().to_owned()
    }

    /// Makes a key pair called `name` that may log in, and gives the path of the private key.
    /// `options` are those of sshd(8), "`AUTHORIZED_KEYS` FILE FORMAT", such as
    /// `restrict,command="rrsync -wo /srv/pxe"`; without any, the account has a shell.
    ///
    /// # Panics
    /// If it cannot be made.
    pub fn authorize(&self, name: &str, options: &str) -> PathBuf {
        let identity = self.directory.join(name);
        make_key(&identity);
        let public = fs::read_to_string(self.directory.join(format!("{name}.pub")));
        let public = or_fail(public, "the public key");
        let space = if options.is_empty() { "" } else { " " };
        let keys = self.directory.join("authorized_keys");
        let mut keys = or_fail(OpenOptions::new().append(true).open(keys), "the authorized keys");
        or_fail(keys.write_all(format!("{options}{space}{public}").as_bytes()), "a key");
        identity
    }

    /// Gives the host another key, as if another host had its address, and starts it again.
    ///
    /// # Panics
    /// If it does not start.
    pub fn change_host_key(&mut self) {
        for name in ["host_key", "host_key.pub"] {
            or_fail(fs::remove_file(self.directory.join(name)), "the host key");
        }
        make_key(&self.directory.join("host_key"));
        self.restart();
    }

    /// The end of its log.
    pub fn log(&self) -> String {
        self.server.log()
    }

    /// The number of connections that it accepted so far.
    ///
    /// # Panics
    /// If its log cannot be read.
    pub fn logins(&self) -> usize {
        let log = or_fail(fs::read_to_string(self.directory.join("sshd.log")), "the log");
        log.lines().filter(|line| line.starts_with("Accepted publickey")).count()
    }

    /// Kills the server with all its sessions, like a power failure.
    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// Kills the current sessions, which cuts their connections. The server continues to run.
    pub fn kill_sessions(&self) {
        self.server.kill_sessions();
    }

    /// Kills the server, if it still runs, and starts it again on the same port.
    ///
    /// # Panics
    /// If it does not start.
    pub fn restart(&mut self) {
        let directory = self.directory.clone();
        self.server.restart(|port| command(&directory, port, &self.settings));
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn user() -> String {
    let output = or_fail(Command::new(tool("id")).arg("-un").output(), "id");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn make_key(path: &Path) {
    let mut keygen = Command::new(tool("ssh-keygen"));
    keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", "netboot tests", "-f"]).arg(path);
    let output = or_fail(keygen.output(), "ssh-keygen");
    if !output.status.success() {
        fail(&format!("ssh-keygen: {}", String::from_utf8_lossy(&output.stderr)));
    }
}

/// Writes copies of the system's accounts with the user that sshd needs, and with an unlocked root
/// that has a plain shell, an empty home directory and no password.
fn write_accounts(directory: &Path) {
    let home = directory.join("home");
    or_fail(fs::create_dir_all(&home), "the home");
    let others = or_fail(fs::read_to_string("/etc/passwd"), "/etc/passwd");
    let mut accounts = format!("root:x:0:0:root:{}:/bin/sh\n", home.display());
    accounts.extend(
        others.lines().filter(|line| !line.starts_with("root:")).flat_map(|line| [line, "\n"]),
    );
    accounts.push_str("sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin\n");
    or_fail(fs::write(directory.join("passwd"), accounts), "the accounts");
    let shadow = directory.join("shadow");
    or_fail(fs::write(&shadow, "root:*:19000:0:99999:7:::\n"), "the accounts");
    let private = fs::Permissions::from_mode(0o600);
    or_fail(fs::set_permissions(&shadow, private), "the accounts");
}

fn command(directory: &Path, port: u16, settings: &str) -> Vec<String> {
    let configuration = directory.join("sshd_config");
    let text = format!(
        "Port {port}\n\
         ListenAddress 127.0.0.1\n\
         HostKey \"{directory}/host_key\"\n\
         AuthorizedKeysFile \"{directory}/authorized_keys\"\n\
         PidFile none\n\
         UsePAM no\n\
         StrictModes no\n\
         PermitRootLogin prohibit-password\n\
         PasswordAuthentication no\n\
         KbdInteractiveAuthentication no\n\
         UseDNS no\n\
         LogLevel VERBOSE\n\
         {settings}\n",
        directory = directory.display()
    );
    or_fail(fs::write(&configuration, text), "the server's configuration");
    let sshd = DebianTree::OPENSSH_SERVER.program("sshd").display().to_string();
    let words = [sshd.as_str(), "-D", "-e", "-f", &configuration.display().to_string()];
    let words = words.map(str::to_owned);
    if !is_root() {
        return words.to_vec();
    }
    let unshare = tool("unshare").display().to_string();
    let place = directory.display().to_string();
    let wrapper = [unshare.as_str(), "-m", "sh", "-c", AS_ROOT, "sh", &place].map(str::to_owned);
    wrapper.into_iter().chain(words).collect()
}
