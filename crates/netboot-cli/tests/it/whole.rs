//! An operator's day, from a flake to a pruned bucket, with real Nix and a real server.

use std::fs;
use std::process::Command;

use netboot_testbed::S3Server;

use crate::place::Said;
use crate::workplace::Workplace;

/// A working directory whose `netboot.toml` names a flake and a bucket.
struct Site {
    place: Workplace,
    server: S3Server,
}

impl Site {
    fn new() -> Self {
        let place = Workplace::new();
        let server = S3Server::ministack(&place.path().join("server"));
        server.create_bucket("boot");
        let text = format!(
            "[flake]\nreference = \"{}\"\n\n[targets.rack]\nlocation = \"s3://boot/nixos\"\n\
             endpoint = \"{}\"\nregion = \"{}\"\nallow-http = true\n\n\
             [retention]\nreleases = 1\ngrace-hours = 0\n",
            place.flake("one"),
            server.endpoint(),
            server.region(),
        );
        fs::write(place.path().join("netboot.toml"), text).unwrap();
        Self { place, server }
    }

    fn netboot(&self, line: &str) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_netboot"));
        command.args(line.split(' ')).envs(self.place.nix.environment());
        command.env("XDG_STATE_HOME", self.place.path().join("state"));
        command.env("AWS_ACCESS_KEY_ID", self.server.access_key());
        command.env("AWS_SECRET_ACCESS_KEY", self.server.secret_key());
        command.current_dir(self.place.path()).output().unwrap().into()
    }

    fn succeeds(&self, line: &str) -> String {
        let said = self.netboot(line);
        assert_eq!(said.code, Some(0), "{line}: {said:#?}");
        said.stdout
    }
}

#[test]
fn build_publish_list_roll_back_verify_and_prune() {
    let site = Site::new();
    let first = site.succeeds("build --to rack");
    let first = first.trim_end();

    // The next image comes from a change of the flake, and is published from its folder.
    site.place.flake("two");
    assert_eq!(site.succeeds("build --profile worker"), "artifacts/worker\n");
    let second = site.succeeds("publish artifacts/worker --to rack");
    let second = second.trim_end();
    assert_ne!(first, second);

    let listed = site.succeeds("list rack");
    let rows: Vec<Vec<&str>> = listed.lines().map(|row| row.split_whitespace().collect()).collect();
    assert_eq!((rows[1][0], rows[1][1]), (&second[..12], "live"), "{listed}");
    assert_eq!((rows[2][0], rows[2][1]), (&first[..12], "was"), "{listed}");

    // A prefix that a message printed is enough.
    let back = site.succeeds(&format!("rollback rack {}", rows[2][0]));
    assert_eq!(back.trim_end(), first);
    assert!(site.succeeds("verify rack").ends_with("nothing wrong\n"));

    // Times in a history are whole seconds.
    let pruned = loop {
        let pruned = site.succeeds("prune rack");
        if !pruned.is_empty() {
            break pruned;
        }
    };
    assert_eq!(pruned.trim_end(), second);
    let listed = site.succeeds("list rack");
    let rows: Vec<&str> = listed.lines().collect();
    assert!(rows[1].starts_with(&format!("{} live ", &first[..12])), "{listed}");
    assert!(rows[2].starts_with(&format!("{} was live, deleted ", &second[..12])), "{listed}");
    assert!(site.succeeds("verify rack").ends_with("nothing wrong\n"));
}
