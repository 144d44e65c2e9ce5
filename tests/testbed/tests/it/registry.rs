//! The registry starts, keeps its data over a restart, and asks for a password if it is set up so.

use std::process::Command;

use netboot_testbed::{Registry, RegistryAccess, tool};

fn get(registry: &Registry, arguments: &[&str]) -> String {
    let url = format!("http://{}/v2/", registry.address());
    let mut curl = Command::new(tool("curl"));
    let output = curl.args(["-s", "-o", "/dev/null", "-w", "%{http_code}"]).args(arguments);
    String::from_utf8(output.arg(url).output().unwrap().stdout).unwrap()
}

#[test]
fn a_registry_wants_its_password_and_starts_again() {
    let directory = tempfile::tempdir().unwrap();
    let mut registry = Registry::start(directory.path(), &RegistryAccess::Password);
    let login = format!("{}:{}", registry.user(), registry.password());
    registry.restart();
    assert_eq!(get(&registry, &[]), "401", "{}", registry.log());
    assert_eq!(get(&registry, &["-u", "netboot-tests:wrong"]), "401");
    assert_eq!(get(&registry, &["-u", &login]), "200", "{}", registry.log());
}
