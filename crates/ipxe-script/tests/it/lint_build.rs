//! For which build a script of the tests is.

use ipxe_script::IpxeBuild;

/// The build that the script's second line names, or the default.
pub(crate) fn build_of(script: &[u8]) -> IpxeBuild {
    let script = String::from_utf8_lossy(script);
    let name = script.lines().nth(1).and_then(|line| line.strip_prefix("# build: "));
    match name {
        None => IpxeBuild::default(),
        // A build with the commands that no stock build has.
        Some("verifying") => IpxeBuild::default()
            .customize("verifying")
            .command("imgtrust")
            .command("imgverify")
            .build()
            .unwrap(),
        Some(name) => name.parse().unwrap(),
    }
}
