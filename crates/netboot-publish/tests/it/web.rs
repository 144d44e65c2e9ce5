//! Web servers that send wrong answers for some files, and a server with TLS.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use netboot_testbed::ReservedPort;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Makes a complete answer with its length.
pub(crate) fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// The end of an answer that the server continues without end.
const ENDLESS: &[u8] = b"and so on";

/// Serves a directory. For some paths it sends given answers byte for byte and closes the
/// connection.
pub(crate) struct LyingServer {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl LyingServer {
    pub(crate) async fn start<const N: usize>(root: &Path, answers: [(&str, Vec<u8>); N]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answers = answers.map(|(path, bytes)| (path.to_owned(), bytes));
        let answers: Arc<BTreeMap<String, Vec<u8>>> = Arc::new(answers.into());
        let root = root.to_owned();
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, root.clone(), answers.clone()));
            }
        });
        Self { address, task }
    }

    /// Serves a directory with one file that never ends.
    pub(crate) async fn start_endless(root: &Path, path: &str) -> Self {
        let head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
        Self::start(root, [(path, [&head[..], ENDLESS].concat())]).await
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}

impl Drop for LyingServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Answers one request. Ends if the client disconnects.
async fn serve(
    stream: tokio::net::TcpStream,
    root: PathBuf,
    answers: Arc<BTreeMap<String, Vec<u8>>>,
) -> Option<()> {
    let mut stream = BufReader::new(stream);
    let mut request = String::new();
    stream.read_line(&mut request).await.ok()?;
    let mut header = String::new();
    while header != "\r\n" {
        header.clear();
        stream.read_line(&mut header).await.ok().filter(|read| *read > 0)?;
    }
    let mut words = request.split(' ');
    let (method, path) = (words.next()?, words.next()?.trim_start_matches('/'));
    let bytes =
        answers.get(path).cloned().unwrap_or_else(|| match std::fs::read(root.join(path)) {
            Ok(bytes) => answer("200 OK", "Connection: close\r\n", &bytes),
            Err(_) => answer("404 Not Found", "Connection: close\r\n", b""),
        });
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let sent = if method == "HEAD" { &bytes[..head] } else { &bytes[..] };
    stream.get_mut().write_all(sent).await.ok()?;
    while sent.ends_with(ENDLESS) {
        stream.get_mut().write_all(&[b'.'; 8 * 1024]).await.ok()?;
    }
    stream.get_mut().shutdown().await.ok()
}

/// Runs `openssl s_server -WWW` with a certificate for 127.0.0.1 from its own authority.
pub(crate) struct TlsServer {
    child: Child,
    port: ReservedPort,
    keys: TempDir,
}

impl TlsServer {
    pub(crate) fn start(root: &Path) -> Self {
        let keys = TempDir::new().unwrap();
        let new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
        let openssl = |arguments: &[&str]| {
            let mut command = Command::new("openssl");
            let made = command.args(arguments).current_dir(keys.path()).output();
            let made = made.unwrap_or_else(|error| {
                panic!("openssl is needed (apt-get install openssl): {error}")
            });
            assert!(made.status.success(), "{arguments:?}: {made:?}");
        };
        let authority = ["-subj", "/CN=site", "-keyout", "authority.key", "-out", "authority.pem"];
        openssl(&[&["req", "-x509", "-days", "2"], &new_key[..], &authority].concat());
        let request = ["-subj", "/CN=server", "-keyout", "key.pem", "-out", "request.pem"];
        openssl(&[&["req"], &new_key[..], &request].concat());
        std::fs::write(keys.path().join("names"), "subjectAltName=IP:127.0.0.1").unwrap();
        let sign = ["x509", "-req", "-in", "request.pem", "-days", "2", "-extfile", "names"];
        let by = ["-CA", "authority.pem", "-CAkey", "authority.key", "-CAcreateserial"];
        openssl(&[&sign[..], &by, &["-out", "certificate.pem"]].concat());
        let port = ReservedPort::new();
        let mut child = Command::new("openssl")
            .args(["s_server", "-WWW", "-quiet", "-accept", &port.address().to_string()])
            .arg("-key")
            .arg(keys.path().join("key.pem"))
            .arg("-cert")
            .arg(keys.path().join("certificate.pem"))
            .current_dir(root)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while TcpStream::connect(port.address()).is_err() {
            assert!(child.try_wait().unwrap().is_none(), "openssl does not listen");
            std::thread::sleep(Duration::from_millis(50));
        }
        Self { child, port, keys }
    }

    pub(crate) fn url(&self) -> String {
        format!("https://{}/", self.port.address())
    }

    /// The authority that signed its certificate.
    pub(crate) fn authority(&self) -> Vec<u8> {
        std::fs::read(self.keys.path().join("authority.pem")).unwrap()
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
