//! The kinds of S3 servers, and the command that starts each.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command;
use crate::failure::or_fail;
use crate::reserved_port::ReservedPort;

/// The only access key of the servers that check signatures.
pub(super) const ACCESS_KEY: &str = "netboot-tests";
/// The secret of the access key.
pub(super) const SECRET_KEY: &str = "a secret of the tests";

/// The ports of `SeaweedFS` besides that of S3: each of its parts has two.
const SEAWEED_PORTS: [&str; 7] = [
    "master.port",
    "master.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "filer.port",
    "filer.port.grpc",
    "s3.port.grpc",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Ministack,
    Nanio,
    NanioTls,
    SeaweedFs,
    JuiceFs,
}

impl Kind {
    /// Returns true if a bucket is a directory that anybody who reaches the data can make.
    pub(super) fn is_of_directories(self) -> bool {
        matches!(self, Self::Nanio | Self::NanioTls)
    }

    /// Returns true if making a bucket takes a signature.
    pub(super) fn wants_signatures(self) -> bool {
        matches!(self, Self::SeaweedFs | Self::JuiceFs)
    }

    /// The number of ports that the server needs besides that of S3.
    pub(super) fn inner_ports(self) -> usize {
        if self == Self::SeaweedFs { SEAWEED_PORTS.len() } else { 0 }
    }

    /// Adds the server's program and its arguments to a command. `inner` are its
    /// [`inner_ports`](Self::inner_ports). `program` finds a program of the test bed.
    pub(super) fn complete(
        self,
        command: &mut Command,
        directory: &Path,
        address: SocketAddr,
        inner: &[ReservedPort],
        program: impl Fn(&str) -> PathBuf,
    ) {
        let data = directory.join("data");
        let port = address.port().to_string();
        match self {
            Self::Ministack => {
                command.arg(program("ministack")).env("BIND_HOST", "127.0.0.1");
                command.env("GATEWAY_PORT", port).env("S3_PERSIST", "1").env("S3_DATA_DIR", &data);
                command.env("PERSIST_STATE", "1").env("STATE_DIR", directory.join("state"));
                command.env("SERVICES", "s3");
            }
            Self::Nanio => {
                command.arg(program("nanio")).args(["serve", "--host", "127.0.0.1"]);
                command.args(["--port", &port, "--data-dir"]).arg(&data);
            }
            Self::NanioTls => {
                command.arg(program("uvicorn")).args(["nanio.app:build_app", "--factory"]);
                command.args(["--host", "127.0.0.1", "--port", &port, "--ssl-certfile"]);
                command.arg(directory.join("certificate.pem")).arg("--ssl-keyfile");
                command.arg(directory.join("key.pem")).env("NANIO_DATA_DIR", &data);
            }
            Self::SeaweedFs => {
                let keys = directory.join("keys.json");
                or_fail(fs::write(&keys, seaweed_keys()), "the keys of the server");
                command.arg(program("weed")).args(["-logtostderr=true", "server", "-s3"]);
                command.args(["-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.telemetry=false"]);
                // Volumes of 64 MB are filled one after another, and not made in advance.
                command.args(["-volume.max=100", "-master.volumeSizeLimitMB=64"]);
                command.args(["-s3.port.iceberg=0", "-s3.port.lance=0"]);
                command.arg(format!("-s3.port={port}"));
                for (name, port) in SEAWEED_PORTS.into_iter().zip(inner) {
                    command.arg(format!("-{name}={}", port.number()));
                }
                for (name, path) in [
                    ("dir", data),
                    ("s3.config", keys),
                    ("filer.localSocket", directory.join("filer.socket")),
                    ("s3.localSocket", directory.join("s3.socket")),
                ] {
                    command.arg(format!("-{name}={}", path.display()));
                }
            }
            Self::JuiceFs => {
                let juicefs = program("juicefs");
                let metadata = format!("sqlite3://{}", directory.join("metadata.db").display());
                format_juicefs(&juicefs, &metadata, directory);
                command.arg(juicefs).args(["gateway", &metadata, &address.to_string()]);
                command.args(["--multi-buckets", "--keep-etag", "--no-banner"]);
                command.args(["--no-usage-report", "--backup-meta", "0"]);
                command.args(["--metrics", "127.0.0.1:0"]);
                command.arg("--log").arg(directory.join("gateway.log"));
                command.arg("--cache-dir").arg(directory.join("cache"));
                command.env("MINIO_ROOT_USER", ACCESS_KEY);
                command.env("MINIO_ROOT_PASSWORD", SECRET_KEY);
            }
        }
    }
}

/// The file of the users of `SeaweedFS`.
fn seaweed_keys() -> String {
    format!(
        r#"{{"identities": [{{"name": "tests", "actions": ["Admin", "Read", "Write", "List"],
"credentials": [{{"accessKey": "{ACCESS_KEY}", "secretKey": "{SECRET_KEY}"}}]}}]}}"#
    )
}

/// Makes a file system, unless the directory has one.
fn format_juicefs(juicefs: &Path, metadata: &str, directory: &Path) {
    if directory.join("metadata.db").is_file() {
        return;
    }
    let mut format = Command::new(juicefs);
    format.args(["format", metadata, "tests", "--storage", "file", "--trash-days", "0"]);
    // Objects are named by appending to this, so it ends in a slash.
    format.arg("--bucket").arg(format!("{}/", directory.join("data").display()));
    let formatted = command::stdout(format.env("HOME", directory));
    assert!(formatted.is_ok(), "the file system of the server: {formatted:?}");
}
