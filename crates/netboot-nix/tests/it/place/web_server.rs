//! A web server for files.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use netboot_testbed::tool;

/// Python's web server for a directory, on a free port of the loopback interface. It ends on drop.
pub(crate) struct WebServer {
    process: Child,
    port: String,
}

impl WebServer {
    pub(crate) fn start(directory: &Path) -> Self {
        let mut process = Command::new(tool("python3"))
            .args(["-u", "-m", "http.server", "--bind", "127.0.0.1", "--directory"])
            .arg(directory)
            .arg("0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // `Serving HTTP on 127.0.0.1 port 8000 …`, after it listens.
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let mut words = line.split(' ').skip_while(|word| *word != "port");
        let port = words.nth(1).unwrap_or_else(|| panic!("{line}")).to_owned();
        Self { process, port }
    }

    pub(crate) fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for WebServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
