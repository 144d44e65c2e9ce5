//! Places to publish to, one of each kind, as the program reaches them.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use netboot_core::{Context, Release, ReleaseId, ReleasePath, Sha256Digest, layout};
use netboot_publish::{LocalStore, OciCredentials, OciStore, Publisher, S3Keys, S3Store, contract};
use netboot_testbed::{Registry, RegistryAccess, RsyncDaemon, RsyncModule, S3Server, SshServer};
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
    Repository(Registry),
    Daemon(RsyncDaemon),
    Ssh { _server: SshServer },
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

    /// A repository of a registry with a password, which a file has that `netboot.toml` names.
    pub(crate) fn repository() -> Self {
        let work = TempDir::new().unwrap();
        let registry = Registry::start(&work.path().join("registry"), &RegistryAccess::Password);
        // The user and the password of the tests in Base64.
        let auth = "bmV0Ym9vdC10ZXN0czphIHNlY3JldCBvZiB0aGUgdGVzdHM=";
        let login = format!("{{\"auths\":{{\"{}\":{{\"auth\":\"{auth}\"}}}}}}", registry.address());
        fs::write(work.path().join("login.json"), login).unwrap();
        let table = format!(
            "[targets.images]\nlocation = \"oci://{}/boot/nixos\"\ncredentials-file = \"login.json\"\n",
            registry.address()
        );
        fs::write(work.path().join("netboot.toml"), table).unwrap();
        Self { kind: Kind::Repository(registry), work }
    }

    pub(crate) fn daemon() -> Self {
        let Self { work, .. } = Self::directory();
        let module = RsyncModule::new("pub", &work.path().join("published"));
        let daemon = RsyncDaemon::start(&work.path().join("daemon"), &[module]);
        Self { kind: Kind::Daemon(daemon), work }
    }

    /// A directory of an ssh account, which `netboot.toml` names.
    pub(crate) fn ssh() -> Self {
        let Self { work, .. } = Self::directory();
        let server = SshServer::start(&work.path().join("sshd"));
        let (port, host_key) = (server.port(), server.host_key());
        let identity = server.authorize("publisher", "");
        let target = |name: &str, directory: &str| {
            let directory = work.path().join("published").join(directory);
            format!(
                "[targets.{name}]\nlocation = \"{}@127.0.0.1:{}\"\nport = {port}\n\
                 identity-file = \"{}\"\nhost-key = \"{host_key}\"\n",
                server.user(),
                directory.display(),
                identity.display(),
            )
        };
        let targets = [target("account", "nixos"), target("missing", "no/such/directory")];
        fs::write(work.path().join("netboot.toml"), targets.concat()).unwrap();
        Self { kind: Kind::Ssh { _server: server }, work }
    }

    /// One place of each kind.
    pub(crate) fn all() -> Vec<Self> {
        vec![Self::directory(), Self::ministack(), Self::nanio(), Self::daemon(), Self::ssh()]
    }

    /// The directory in which the published files are, unless they are in a bucket.
    pub(crate) fn published(&self) -> PathBuf {
        self.work.path().join("published")
    }

    /// The server of a bucket.
    pub(crate) fn server(&self) -> &S3Server {
        let Kind::Bucket(server) = &self.kind else { panic!("{:?} is no bucket", self.kind) };
        server
    }

    /// A file of the test's own.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.work.path().join(name)
    }

    /// The place as the program's TARGET.
    pub(crate) fn target(&self) -> String {
        match &self.kind {
            Kind::Directory => self.published().join("nixos").display().to_string(),
            Kind::Bucket(server) => bucket(server, BUCKET),
            Kind::Repository(_) => "images".to_owned(),
            Kind::Daemon(daemon) => format!("rsync://127.0.0.1:{}/pub/nixos", daemon.port()),
            Kind::Ssh { .. } => "account".to_owned(),
        }
    }

    /// A bucket or a module that does not exist; for a directory, one whose parent is missing.
    pub(crate) fn target_that_is_missing(&self) -> String {
        match &self.kind {
            Kind::Directory => self.published().join("no/such/directory").display().to_string(),
            Kind::Bucket(server) => bucket(server, "no-such-bucket"),
            // A registry makes a repository by itself, so the registry is missing.
            Kind::Repository(_) => "oci://registry.invalid/boot".to_owned(),
            Kind::Daemon(daemon) => format!("rsync://127.0.0.1:{}/other/nixos", daemon.port()),
            Kind::Ssh { .. } => "missing".to_owned(),
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
                    .prefix("nixos")
                    .credentials(keys);
                Publisher::new(store.build().await.unwrap())
            }
            Kind::Repository(registry) => {
                let login = OciCredentials::password(registry.user(), registry.password());
                let store = OciStore::builder(format!("{}/boot/nixos", registry.address()));
                Publisher::new(store.credentials(login).build().await.unwrap())
            }
            Kind::Directory | Kind::Daemon(_) | Kind::Ssh { .. } => {
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

    /// Damages a file of the place by another byte in the middle. The size stays.
    pub(crate) fn damage(&self, path: &ReleasePath) {
        let path = self.published().join("nixos").join(path.as_str());
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&path, bytes).unwrap();
    }

    /// The path of a kernel or an initrd that only this release has, of two.
    pub(crate) async fn own_blob(&self, release: &ReleaseId, other: &ReleaseId) -> ReleasePath {
        let publisher = self.publisher().await;
        let manifest = publisher.manifest(release).await.unwrap();
        let of_other = publisher.manifest(other).await.unwrap();
        let is_own = |blob: &&Sha256Digest| !of_other.blobs().contains_key(*blob);
        layout::blob(manifest.blobs().keys().find(is_own).unwrap())
    }

    /// The live release.
    pub(crate) async fn live(&self) -> Option<ReleaseId> {
        self.publisher().await.live().await.unwrap()
    }

    /// Runs the program with the credentials of the place.
    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        self.run_with(arguments, &[])
    }

    /// Runs the program with the credentials of the place, and with more variables.
    pub(crate) fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Said {
        self.command(arguments).envs(variables.iter().copied()).output().unwrap().into()
    }

    /// The program with the credentials of the place.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_netboot"));
        command.args(arguments).current_dir(self.work.path());
        command.env("XDG_STATE_HOME", self.path("state"));
        if let Kind::Bucket(server) = &self.kind {
            command
                .env("AWS_ACCESS_KEY_ID", server.access_key())
                .env("AWS_SECRET_ACCESS_KEY", server.secret_key());
        }
        command
    }

    /// Runs a command that succeeds.
    pub(crate) fn succeeds(&self, arguments: &[&str]) -> Said {
        let said = self.run(arguments);
        assert_eq!(said.code, Some(0), "{arguments:?}: {said:#?}");
        said
    }

    /// Runs a dry run of pruning until it would delete `count` releases: times in a history are
    /// whole seconds, so that a release is older than nothing only in the next second.
    pub(crate) fn would_prune(&self, arguments: &[&str], count: usize) -> Said {
        let deadline = Instant::now() + Duration::from_secs(240);
        loop {
            let said = self.succeeds(&[arguments, &["--dry-run"]].concat());
            if said.stdout.lines().count() == count {
                return said;
            }
            assert!(Instant::now() < deadline, "{arguments:?}: {said:#?}");
        }
    }

    /// Runs a command that is wrong whatever is at the target, with a remedy. Returns what it says
    /// on standard error.
    pub(crate) fn misuses(&self, arguments: &[&str]) -> String {
        let said = self.run(arguments);
        assert_eq!(said.code, Some(2), "{arguments:?}: {said:#?}");
        assert!(said.stdout.is_empty(), "{arguments:?}: {said:#?}");
        let has_remedy = said.stderr.contains("what to do: ")
            || said.stderr.contains("Usage: ")
            || said.stderr.contains("write a number");
        assert!(has_remedy, "no remedy: {said:#?}");
        said.stderr
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
    let help =
        Command::new(env!("CARGO_BIN_EXE_netboot")).args(command.split(' ')).arg("--help").output();
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
    for names in [&mut documented, &mut fields] {
        names.sort();
        names.dedup();
    }
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

fn bucket(server: &S3Server, bucket: &str) -> String {
    let (endpoint, region) = (server.endpoint(), server.region());
    format!("s3://{bucket}/nixos?endpoint={endpoint}&region={region}&allow-http=true")
}
