//! Compares the setting `cwduri`, the directory of a script, with real iPXE.

use std::sync::Arc;

use ipxe_script::IpxeBuild;
use netboot_testbed::{IpxeOracle, OracleCase};

#[test]
fn builds_since_1_21_know_the_directory_of_a_script() {
    for (mut oracle, build) in [
        (IpxeOracle::bookworm(), "bookworm-bios"),
        (IpxeOracle::trixie(), "trixie-bios"),
        (IpxeOracle::sid(), "sid-bios"),
    ] {
        let build: IpxeBuild = build.parse().unwrap();
        // The outer script is in `/t/`, and the inner one in `/t/a/b/`.
        let script =
            b"#!ipxe\necho\necho =${cwduri}=\nchain a/b/inner.ipxe?c=d/e\necho =${cwduri}=\n";
        let inner = b"#!ipxe\necho\necho <${cwduri}>\n".to_vec();
        let case = OracleCase::new(script, Arc::new(move |_| Some(inner.clone())));
        let observed = oracle.run(&case);
        let lines = observed.lines.iter().map(|line| String::from_utf8_lossy(line).into_owned());
        let told: Vec<String> = lines.filter(|line| line.starts_with(['=', '<'])).collect();
        let base = oracle.base();
        let (outer, inner) = if build.has_setting("cwduri") {
            (format!("={base}/t/="), format!("<{base}/t/a/b/>"))
        } else {
            ("==".to_owned(), "<>".to_owned())
        };
        assert_eq!(told, [outer.clone(), inner, outer], "{build}: {observed:?}");
    }
}
