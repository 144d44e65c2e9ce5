//! The machines that run the scripts of the tests.

use ipxe_script::{IpxeBuild, LintFinding, Linter, Script, SignedPrograms};

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

/// Lints a script for its build. The script is for machines with Secure Boot if a line
/// `# signed: <names>` or `# uki: <names>` tells which programs are signed.
pub(crate) fn lint_for_its_machines(source: &[u8]) -> Vec<LintFinding> {
    let text = String::from_utf8_lossy(source);
    let names = |prefix| text.lines().find_map(|line| line.strip_prefix(prefix));
    let (signed, ukis) = (names("# signed: "), names("# uki: "));
    let mut linter = Linter::new(&build_of(source));
    if signed.or(ukis).is_some() {
        let programs = signed.unwrap_or_default().split_whitespace();
        let programs = programs.fold(SignedPrograms::new(), SignedPrograms::with_program);
        let ukis = ukis.unwrap_or_default().split_whitespace();
        linter = linter.with_secure_boot(ukis.fold(programs, SignedPrograms::with_uki));
    }
    linter.lint(&Script::parse(source))
}
