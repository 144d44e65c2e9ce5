//! The function of the fuzz target `script`. The target in `fuzz/` includes this file.

use ipxe_script::lexical::{check, lost_escape};
use ipxe_script::{Command, IpxeBuild, Script, lint};

/// Every text is read without a gap, and every build's linter has findings within the text.
pub(crate) fn script(data: &[u8]) -> bool {
    let script = Script::parse(data);
    let mut end = 0;
    for line in script.lines() {
        assert_eq!(line.span().start, end);
        end = line.span().end;
        for token in line.commands().iter().flat_map(Command::tokens) {
            assert!(line.span().start <= token.span().start && token.span().end <= end);
            let _ = (token.parts(), token.expansions(), script.excerpt(token.span()));
        }
    }
    assert_eq!(end, data.len());
    for name in [IpxeBuild::NAMES[0], IpxeBuild::NAMES[IpxeBuild::NAMES.len() - 1]] {
        for finding in lint(data, &name.parse::<IpxeBuild>().unwrap()) {
            assert!(finding.span().end <= data.len());
            let _ = (finding.to_string(), finding.hint());
        }
    }
    if let Ok(text) = str::from_utf8(data) {
        let _ = (check(text), lost_escape(text));
    }
    script.magic().is_ok()
}

#[test]
fn the_fuzz_target_takes_its_seeds() {
    netboot_testbed::each_fuzz_seed("script", script);
}
