//! Places to publish to, one of each kind, as the program reaches them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};

use netboot_core::{Context, Release, ReleaseId};
use netboot_publish::{LocalStore, Publisher, S3Keys, S3Store, contract};
use netboot_testbed::{RsyncDaemon, RsyncModule, S3Server, SshServer};
use serde_json::Value;
use tempfile::TempDir;

const BUCKET: &str = "boot";

/// A place to publish to.
#[derive(Debug)]
pub(crate) struct Place {
    kind: Kind,
    /// Dropped after the server.
    work: TempDir,
}

#[derive(Debug)]
enum Kind {
    Directory,
    Bucket(S3Server),
    Daemon(RsyncDaemon),
    Ssh(SshServer),
}

/// The output of a program.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Place {
    pub(crate) fn directory() -> Self {
        let work = TempDir::new().unwrap();
        fs::create_dir(work.path().join("published")).unwrap();
        Self { kind: Kind::Directory, work }
    }

    /// A bucket of a server that compares and swaps.
    pub(crate) fn ministack() -> Self {
        let work = TempDir::new().unwrap();
        let server = S3Server::ministack(&work.path().join("server"));
        server.create_bucket(BUCKET);
        Self { kind: Kind::Bucket(server), work }
    }

    /// A bucket of a server that checks signatures.
    pub(crate) fn nanio() -> Self {
        let work = TempDir::new().unwrap();
        let server = S3Server::nanio(&work.path().join("server"));
        server.create_bucket(BUCKET);
        Self { kind: Kind::Bucket(server), work }
    }

    pub(crate) fn daemon() -> Self {
        let Self { work, .. } = Self::directory();
        let module = RsyncModule::new("pub", &work.path().join("published"));
        let daemon = RsyncDaemon::start(&work.path().join("daemon"), &[module]);
        Self { kind: Kind::Daemon(daemon), work }
    }

    /// A directory of an ssh account. The program's `ssh` is the real one, with the port and the
    /// keys of this place.
    pub(crate) fn ssh() -> Self {
        let Self { work, .. } = Self::directory();
        let server = SshServer::start(&work.path().join("sshd"));
        let identity = server.authorize("publisher", "");
        let known_hosts = work.path().join("known_hosts");
        let line = format!("[127.0.0.1]:{} {}\n", server.port(), server.host_key());
        fs::write(&known_hosts, line).unwrap();
        let (ssh, port) = (netboot_testbed::tool("ssh"), server.port());
        let script = format!(
            "#!/bin/sh\nexec {} -p {port} -i {} -o IdentitiesOnly=yes -o UserKnownHostsFile={} \
             \"$@\"\n",
            ssh.display(),
            identity.display(),
            known_hosts.display(),
        );
        let programs = work.path().join("programs");
        fs::create_dir(&programs).unwrap();
        fs::write(programs.join("ssh"), script).unwrap();
        fs::set_permissions(programs.join("ssh"), fs::Permissions::from_mode(0o755)).unwrap();
        Self { kind: Kind::Ssh(server), work }
    }

    /// One place of each kind.
    pub(crate) fn all() -> Vec<Self> {
        vec![Self::directory(), Self::ministack(), Self::nanio(), Self::daemon(), Self::ssh()]
    }

    /// The directory in which the published files are, unless they are in a bucket.
    pub(crate) fn published(&self) -> PathBuf {
        self.work.path().join("published")
    }

    /// A file of the test's own.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.work.path().join(name)
    }

    /// The place as the program's TARGET.
    pub(crate) fn target(&self) -> String {
        self.target_below("nixos")
    }

    /// A directory or a prefix of the place as the program's TARGET.
    pub(crate) fn target_below(&self, name: &str) -> String {
        let published = self.published();
        let directory = published.join(name);
        match &self.kind {
            Kind::Directory => directory.display().to_string(),
            Kind::Bucket(server) => bucket(server, BUCKET, name),
            Kind::Daemon(daemon) => format!("rsync://127.0.0.1:{}/pub/{name}", daemon.port()),
            Kind::Ssh(server) => format!("{}@127.0.0.1:{}", server.user(), directory.display()),
        }
    }

    /// A bucket or a module that does not exist; for a directory, one whose parent is missing.
    pub(crate) fn target_that_is_missing(&self) -> String {
        match &self.kind {
            Kind::Directory | Kind::Ssh(_) => self.target_below("no/such/directory"),
            Kind::Bucket(server) => bucket(server, "no-such-bucket", "nixos"),
            Kind::Daemon(daemon) => format!("rsync://127.0.0.1:{}/other/nixos", daemon.port()),
        }
    }

    /// A publisher to the place, without the program.
    pub(crate) async fn publisher(&self) -> Publisher {
        match &self.kind {
            Kind::Bucket(server) => {
                let keys = S3Keys::new(server.access_key(), server.secret_key());
                let store = S3Store::builder(BUCKET)
                    .endpoint(server.endpoint())
                    .allow_http(true)
                    .region(server.region())
                    .prefix("nixos".parse().unwrap())
                    .credentials(keys);
                Publisher::new(store.build().await.unwrap())
            }
            Kind::Directory | Kind::Daemon(_) | Kind::Ssh(_) => {
                Publisher::new(LocalStore::new(self.published().join("nixos")))
            }
        }
    }

    /// Publishes sample releases, one after another, and returns their ids.
    pub(crate) async fn publish<const N: usize>(&self, generations: [&str; N]) -> [ReleaseId; N] {
        let publisher = self.publisher().await;
        for generation in generations {
            publisher.publish(&sample(generation), &Context::new()).await.unwrap();
        }
        generations.map(|generation| *sample(generation).id())
    }

    /// Stages a sample release and returns its id.
    pub(crate) async fn stage(&self, generation: &str) -> ReleaseId {
        let release = sample(generation);
        self.publisher().await.stage(&release, &Context::new()).await.unwrap();
        *release.id()
    }

    /// The live release.
    pub(crate) async fn live(&self) -> Option<ReleaseId> {
        self.publisher().await.live().await.unwrap()
    }

    /// Runs the program with the credentials of the place.
    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_netboot"));
        command.args(arguments).current_dir(self.work.path());
        match &self.kind {
            Kind::Directory | Kind::Daemon(_) => {}
            Kind::Bucket(server) => {
                command
                    .env("AWS_ACCESS_KEY_ID", server.access_key())
                    .env("AWS_SECRET_ACCESS_KEY", server.secret_key());
            }
            Kind::Ssh(_) => {
                let path = std::env::var("PATH").unwrap();
                command.env("PATH", format!("{}:{path}", self.path("programs").display()));
            }
        }
        command.output().unwrap().into()
    }

    /// Runs a command that succeeds.
    pub(crate) fn succeeds(&self, arguments: &[&str]) -> Said {
        let said = self.run(arguments);
        assert_eq!(said.code, Some(0), "{arguments:?}: {said:#?}");
        said
    }

    /// Runs a command that fails, with a remedy. Returns what it says on standard error.
    pub(crate) fn fails(&self, arguments: &[&str]) -> String {
        let said = self.run(arguments);
        assert_eq!(said.code, Some(1), "{arguments:?}: {said:#?}");
        assert!(said.stdout.is_empty(), "{arguments:?}: {said:#?}");
        assert!(said.stderr.contains("what to do: "), "no remedy: {said:#?}");
        said.stderr
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        Self { code: output.status.code(), stdout, stderr }
    }
}

impl Said {
    /// The one object on standard output.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }
}

/// A sample release of two profiles.
pub(crate) fn sample(generation: &str) -> Release {
    contract::sample_release(generation)
}

/// Asserts that the help of a command describes exactly the fields of an object and of the objects
/// in it.
pub(crate) fn assert_documented(command: &str, object: &Value) {
    let help = Command::new(env!("CARGO_BIN_EXE_netboot")).args([command, "--help"]).output();
    let help = String::from_utf8(help.unwrap().stdout).unwrap();
    let (_, documented) = help.split_once("With --json:").unwrap();
    let field = |line: &str| {
        let name = line.trim_start().split("  ").next()?.trim().to_owned();
        let is_field = line.starts_with("  ") && line.trim_start().contains("  ");
        is_field.then_some(name)
    };
    let mut documented: Vec<String> = documented.lines().filter_map(field).collect();
    let mut fields = Vec::new();
    add_fields(object, &mut fields);
    documented.sort();
    fields.sort();
    fields.dedup();
    assert_eq!(fields, documented, "{help}");
}

fn add_fields(value: &Value, fields: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                fields.push(name.clone());
                add_fields(value, fields);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| add_fields(value, fields)),
        _ => {}
    }
}

fn bucket(server: &S3Server, bucket: &str, prefix: &str) -> String {
    let (endpoint, region) = (server.endpoint(), server.region());
    format!("s3://{bucket}/{prefix}?endpoint={endpoint}&region={region}&allow-http=true")
}
