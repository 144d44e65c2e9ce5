//! Nix's daemon.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use netboot_testbed::PATIENCE;

use super::Place;

/// A Nix daemon for the store of a place, ended on drop.
pub(crate) struct Daemon(Child);

impl Daemon {
    /// Starts the daemon with these additional lines in its nix.conf.
    pub(crate) fn start(place: &Place, settings: &str) -> Self {
        let state = place.environment().remove("NIX_STATE_DIR").unwrap();
        let socket = Path::new(&state).join("daemon-socket/socket");
        let mut program = place.command("nix-daemon");
        let program = program
            .env("NIX_CONFIG", place.settings(settings))
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        let daemon = Self(program.spawn().unwrap());
        let begin = Instant::now();
        while !socket.exists() {
            assert!(begin.elapsed() < PATIENCE, "the daemon made no {}", socket.display());
            std::thread::sleep(Duration::from_millis(50));
        }
        daemon
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
