//! The build that a script of the tests is for.

use ipxe_script::IpxeBuild;

/// The build in the second line of the script, or the default build.
pub(crate) fn build_of(script: &[u8]) -> IpxeBuild {
    let script = String::from_utf8_lossy(script);
    let name = script.lines().nth(1).and_then(|line| line.strip_prefix("# build: "));
    match name {
        None => IpxeBuild::default(),
        // A build with commands that no stock build has.
        Some("verifying") => IpxeBuild::default()
            .customize("verifying")
            .command("imgtrust")
            .command("imgverify")
            .build()
            .unwrap(),
        Some(name) => name.parse().unwrap(),
    }
}
