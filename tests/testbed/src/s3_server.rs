//! Real S3 servers, in separate processes.

mod kind;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use self::kind::{ACCESS_KEY, Kind, SECRET_KEY};
use crate::failure::{fail, or_fail};
use crate::{Error, PATIENCE, ReservedPort, Testbed, python_packages, tool, watched_process};

/// The number of lines of a server's log in a failure's message.
const LOG_LINES: usize = 30;

/// An S3 server on a reserved port of the loopback interface.
///
/// It answers when the constructor returns. It is killed with all its processes when this value is
/// dropped, and when the process that started it ends. Its directory contains its output in
/// `server.log`, and its buckets, which survive a [`restart`](Self::restart).
///
/// | | conditional writes | signatures | checksums |
/// |---|---|---|---|
/// | [`ministack`](Self::ministack) | kept | not looked at | SHA-256 checked |
/// | [`nanio`](Self::nanio) | ignored: answers 200 and overwrites | checked, also of presigned links | MD5 only |
/// | [`seaweedfs`](Self::seaweedfs) | kept | checked | SHA-256 not checked |
/// | [`juicefs`](Self::juicefs), a gateway of `MinIO` | ignored: answers 200 and overwrites | checked | SHA-256 checked |
///
/// ```no_run
/// use netboot_testbed::S3Server;
///
/// let server = S3Server::nanio("target/nanio".as_ref());
/// server.create_bucket("boot");
/// println!("{} {} {}", server.endpoint(), server.access_key(), server.secret_key());
/// ```
#[derive(Debug)]
pub struct S3Server {
    kind: Kind,
    directory: PathBuf,
    port: ReservedPort,
    /// The ports of its parts besides that of S3.
    inner_ports: Vec<ReservedPort>,
    process: Child,
    buckets: Mutex<BTreeSet<String>>,
}

impl S3Server {
    /// Starts ministack with its data in `directory`.
    ///
    /// # Panics
    /// If it does not start; the message contains the end of its log, or says what to
    /// install. The other constructors do this too.
    pub fn ministack(directory: &Path) -> Self {
        Self::start(Kind::Ministack, directory)
    }

    /// Starts nanio with its data in `directory`.
    ///
    /// # Panics
    /// If it does not start.
    pub fn nanio(directory: &Path) -> Self {
        Self::start(Kind::Nanio, directory)
    }

    /// Starts nanio behind TLS, with a certificate for `127.0.0.1` of an authority of its own: see
    /// [`ca_certificate`](Self::ca_certificate).
    ///
    /// # Panics
    /// If it does not start.
    pub fn nanio_with_tls(directory: &Path) -> Self {
        Self::start(Kind::NanioTls, directory)
    }

    /// Starts `SeaweedFS` with all its parts and with its data in `directory`.
    ///
    /// # Panics
    /// If it does not start.
    pub fn seaweedfs(directory: &Path) -> Self {
        Self::start(Kind::SeaweedFs, directory)
    }

    /// Starts the gateway of `JuiceFS`, which is derived from `MinIO`, with its data in
    /// `directory`.
    ///
    /// # Panics
    /// If it does not start.
    pub fn juicefs(directory: &Path) -> Self {
        Self::start(Kind::JuiceFs, directory)
    }

    /// Its URL, such as `http://127.0.0.1:4000`.
    pub fn endpoint(&self) -> String {
        let scheme = if self.kind == Kind::NanioTls { "https" } else { "http" };
        format!("{scheme}://{}", self.address())
    }

    /// The address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// The only access key that a server accepts which checks signatures.
    pub fn access_key(&self) -> &'static str {
        ACCESS_KEY
    }

    /// The secret of the access key.
    pub fn secret_key(&self) -> &'static str {
        SECRET_KEY
    }

    /// The region for which requests are signed.
    pub fn region(&self) -> &'static str {
        "us-east-1"
    }

    /// The certificate, in PEM, of the authority that signed the certificate of a server with TLS.
    ///
    /// # Panics
    /// If the server has no TLS.
    pub fn ca_certificate(&self) -> Vec<u8> {
        assert_eq!(self.kind, Kind::NanioTls, "this server has no TLS");
        or_fail(fs::read(self.directory.join("certificate.pem")), "the certificate")
    }

    /// The directory that holds its data and its log.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Makes a bucket, if it is not there.
    ///
    /// # Panics
    /// If the server does not make it.
    pub fn create_bucket(&self, bucket: &str) {
        if self.kind.is_of_directories() {
            // Making one by request takes a signature.
            let path = self.data().join(bucket).join(".nanio-meta");
            or_fail(fs::create_dir_all(path), "the bucket");
        } else if self.kind.wants_signatures() {
            self.create_bucket_by_curl(bucket);
        } else {
            let answer = self.request("PUT", &format!("/{bucket}"), "");
            let status = answer.split(' ').nth(1).unwrap_or_default();
            assert!(["200", "409"].contains(&status), "{answer}\n{}", self.log());
        }
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner).insert(bucket.to_owned());
    }

    /// A server of several parts may answer before it can make a bucket.
    fn create_bucket_by_curl(&self, bucket: &str) {
        let begin = Instant::now();
        let mut said = String::new();
        while begin.elapsed() < PATIENCE {
            let mut curl = Command::new(tool("curl"));
            curl.args(["--silent", "--noproxy", "*", "--output", "/dev/null", "--request", "PUT"]);
            curl.args(["--aws-sigv4", "aws:amz:us-east-1:s3", "--write-out", "%{http_code}"]);
            curl.args(["--user", &format!("{ACCESS_KEY}:{SECRET_KEY}")]);
            let output = curl.arg(format!("{}/{bucket}", self.endpoint())).output();
            said = String::from_utf8_lossy(&or_fail(output, "curl").stdout).into_owned();
            if ["200", "409"].contains(&said.as_str()) {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
        fail(&format!("the bucket was not made: status {said}\n{}", self.log()))
    }

    /// Sends a request without a signature, as ministack takes it for whatever S3 can do, and gives
    /// the answer with its head.
    ///
    /// # Panics
    /// If no answer comes.
    pub fn request(&self, method: &str, path: &str, body: &str) -> String {
        or_fail(request(self.address(), method, path, body), path)
    }

    /// The end of what the server wrote.
    pub fn log(&self) -> String {
        let bytes = fs::read(self.directory.join("server.log")).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }

    /// Kills the server with all its processes, as a power failure would.
    pub fn kill(&mut self) {
        watched_process::kill(&mut self.process, &[]);
    }

    /// Stops the server where it is: connections are made still, and no answer comes.
    pub fn pause(&self) {
        watched_process::signal(&self.process, Signal::STOP);
    }

    /// Lets a server go on that was paused.
    pub fn resume(&self) {
        watched_process::signal(&self.process, Signal::CONT);
    }

    /// Kills the server, if it still runs, and starts it again on the same port with its data.
    ///
    /// # Panics
    /// If it does not start.
    pub fn restart(&mut self) {
        self.kill();
        self.process = spawn(self.kind, &self.directory, self.address(), &self.inner_ports);
        let ready = self.wait_until_ready();
        assert!(ready, "the server did not start again: {}", self.log());
        // ministack, when it is killed, forgets a bucket that nothing is in.
        let buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for bucket in buckets {
            self.create_bucket(&bucket);
        }
    }

    fn start(kind: Kind, directory: &Path) -> Self {
        or_fail(fs::create_dir_all(directory), "the server's directory");
        let directory = &or_fail(fs::canonicalize(directory), "the server's directory");
        if kind == Kind::NanioTls {
            make_certificate(directory);
        }
        let port = ReservedPort::new();
        let inner_ports: Vec<_> = (0..kind.inner_ports()).map(|_| ReservedPort::new()).collect();
        let process = spawn(kind, directory, port.address(), &inner_ports);
        let (directory, buckets) = (directory.clone(), Mutex::default());
        let mut server = Self { kind, directory, port, inner_ports, process, buckets };
        assert!(server.wait_until_ready(), "{kind:?} did not start: {}", server.log());
        server
    }

    fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// Waits until it answers. Returns false if it ends before.
    fn wait_until_ready(&mut self) -> bool {
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return false;
            }
            let answers = match self.kind {
                Kind::NanioTls => TcpStream::connect(self.address()).is_ok(),
                _ => request(self.address(), "GET", "/", "")
                    .is_ok_and(|text| text.starts_with("HTTP/")),
            };
            if answers {
                return true;
            }
            thread::sleep(Duration::from_millis(20));
        }
        false
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Starts a server that ends with this process, however that ends.
fn spawn(kind: Kind, directory: &Path, address: SocketAddr, inner: &[ReservedPort]) -> Child {
    let testbed = Testbed::at_default_directory();
    assert!(python_packages::are_in(testbed.directory()), "{}", {
        let path = python_packages::program(testbed.directory(), "python");
        let error = Error::Incomplete { path };
        format!("{error}: {}", error.hint().unwrap_or_default())
    });
    let program = |name: &str| python_packages::program(testbed.directory(), name);
    let data = directory.join("data");
    or_fail(fs::create_dir_all(&data), "the server's data");
    let log = or_fail(File::create(directory.join("server.log")), "the server's log");
    let mut command = watched_process::command();
    kind.complete(&mut command, directory, address, inner, program);
    command
        .current_dir(directory)
        .env("TMPDIR", directory)
        .env("NANIO_ACCESS_KEY", ACCESS_KEY)
        .env("NANIO_SECRET_KEY", SECRET_KEY)
        .stdout(or_fail(log.try_clone(), "the server's log"))
        .stderr(log);
    or_fail(command.spawn(), "the server")
}

/// Makes a key and a certificate that vouches for itself, for `127.0.0.1`.
fn make_certificate(directory: &Path) {
    let mut openssl = Command::new(tool("openssl"));
    openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]);
    openssl.args(["-nodes", "-days", "2", "-subj", "/CN=netboot tests"]);
    openssl.args(["-addext", "subjectAltName=IP:127.0.0.1"]);
    openssl.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
    openssl.args(["-keyout", "key.pem", "-out", "certificate.pem"]).current_dir(directory);
    let output = or_fail(openssl.output(), "openssl");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The answer of a server to a request without a signature.
fn request(address: SocketAddr, method: &str, path: &str, body: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}");
    stream.write_all(format!("{head}\r\nConnection: close\r\n\r\n{body}").as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
