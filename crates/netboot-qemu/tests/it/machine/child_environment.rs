//! A machine cannot read the secrets of the process that boots it.

use std::time::{Duration, Instant};

use netboot_core::Context;
use netboot_qemu::Firmware;
use netboot_testbed::{Descendant, PATIENCE, TestProcess};

use crate::machine::site::{Site, machine};

/// The variables of the process that boots the machine.
const SECRETS: [(&str, &str); 2] =
    [("AWS_SECRET_ACCESS_KEY", "secret-of-a-store"), ("MY_SECRET", "secret-of-something-else")];

const NAME: &str = "netboot-test-child-environment";

#[tokio::test]
async fn a_machine_has_no_secret_of_its_caller() {
    let test = "machine::child_environment::a_machine_has_no_secret_of_its_caller";
    if !TestProcess::new(test).envs(SECRETS).is_this() {
        return;
    }
    let site = Site::with_script("#!ipxe\nsleep 600\n").await;
    let machine = machine(Firmware::Bios).name(NAME).expect("NETBOOT-NEVER").build().unwrap();
    let (url, context) = (site.server.url("boot.ipxe"), Context::new());
    tokio::select! {
        ended = machine.boot(&url, &context) => panic!("{ended:?}"),
        () = look_at_the_machine() => {}
    }
}

/// Waits until QEMU runs the machine, and looks at all processes until then.
async fn look_at_the_machine() {
    let secrets: Vec<&str> = SECRETS.iter().flat_map(|(name, value)| [*name, *value]).collect();
    let begin = Instant::now();
    loop {
        let processes = Descendant::all_of(std::process::id());
        for process in &processes {
            assert!(!process.shows(&secrets), "{process:#?}");
        }
        if processes.iter().any(|process| process.shows(&[NAME])) {
            return;
        }
        assert!(begin.elapsed() < PATIENCE, "QEMU does not run: {processes:#?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
