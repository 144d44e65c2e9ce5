//! For which target a script of the tests is.

use netboot_ipxe::Target;

/// The target that the script's second line names, or the default.
pub(crate) fn target_of(script: &[u8]) -> Target {
    let script = String::from_utf8_lossy(script);
    let name = script.lines().nth(1).and_then(|line| line.strip_prefix("# target: "));
    match name {
        None => Target::default(),
        // A build with the commands that no stock build has.
        Some("verifying") => Target::default()
            .customize("verifying")
            .command("imgtrust")
            .command("imgverify")
            .build()
            .unwrap(),
        Some(name) => name.parse().unwrap(),
    }
}
