//! Values in real iPXE: it uses a value as it was typed, or the type refuses it.

use std::sync::Arc;

use ipxe_script::lexical;
use netboot_core::ProfileName;
use netboot_ipxe::{MenuText, ScriptUrl};
use netboot_testbed::{IpxeOracle, Observation, OracleCase};
use percent_encoding::percent_decode_str;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use url::Url;

/// The number of generated texts, in addition to the fixed ones.
const GENERATED: usize = 20;

const TEXTS: [&str; 58] = [
    "", "a", "a b", "a  b", " a", "a ", "a\tb", "a\nb", "a\rb", "a\\", "a\\ b", "a\\b", "\\", "#",
    "#a", "a#", "a #b", "a # b", "&&", "a && b", "a&&b", "||", "a || b", "a ||", ";", "a; b",
    "a ; b", "${", "${a}", "$", "{a}", "a}", "$ {a}", "-", "-a", "--", "--name x", "a -b",
    "\"a b\"", "'", "`a`", "$(a)", "<a>", "|", "&", "a=b=c", "a,b", "%20", "%", "100%", "!", "~",
    "*?", "[x]", "ü", "a\u{a0}b", "a\0b", ":label",
];

fn texts() -> Vec<String> {
    let piece = prop_oneof![
        3 => "[a-z0-9]{1,4}",
        3 => prop::sample::select(TEXTS.as_slice()).prop_map(str::to_owned),
        1 => Just(" ".to_owned()),
    ];
    let text = prop::collection::vec(piece, 1..6).prop_map(|pieces| pieces.concat());
    let mut runner = TestRunner::deterministic();
    let generated = (0..GENERATED).map(|_| text.new_tree(&mut runner).unwrap().current());
    TEXTS.iter().map(|text| (*text).to_owned()).chain(generated).collect()
}

struct Builds(Vec<IpxeOracle>);

impl Builds {
    fn run(&mut self, body: &dyn Fn(&IpxeOracle) -> String, check: &dyn Fn(&Observation)) {
        for oracle in &mut self.0 {
            let script = format!("#!ipxe\n{}\n", body(oracle));
            let files = Arc::new(|_: &[u8]| Some(b"data".to_vec()));
            let observed = oracle.run(&OracleCase::new(script.as_bytes(), files));
            assert_eq!(observed.success, Some(true), "{script}{observed:?}");
            check(&observed);
        }
    }
}

#[test]
fn what_was_typed_comes_out_of_every_build() {
    let mut builds = Builds(vec![IpxeOracle::bookworm(), IpxeOracle::trixie(), IpxeOracle::sid()]);
    let (mut arguments, mut texts_shown, mut urls, mut labels) = (0, 0, 0, 0);
    for text in texts() {
        if lexical::check(&text).is_ok() {
            arguments += 1;
            builds.run(&|_| format!("kernel --name k x {text} after"), &|observed| {
                let expected = format!("k : 4 bytes [PXE-NBP] [SELECTED] \"{text} after\"");
                assert_eq!(observed.images, [expected.into_bytes()]);
            });
        }
        if let Ok(shown) = MenuText::new(&text) {
            texts_shown += 1;
            builds.run(&|_| format!("echo {shown}\necho = {shown}"), &|observed| {
                let lines = &observed.lines;
                let [.., first, second, _] = lines.as_slice() else { panic!("{lines:?}") };
                assert_eq!(String::from_utf8_lossy(first), text);
                assert_eq!(String::from_utf8_lossy(second), format!("= {text}"));
            });
        }
        for in_query in [false, true] {
            let url_at = |base: &str| {
                let mut url = Url::parse(&format!("{base}/f/")).unwrap();
                if in_query {
                    url.path_segments_mut().unwrap().push("q");
                    url.set_query(Some(&text));
                } else {
                    url.path_segments_mut().unwrap().push(&text);
                }
                url
            };
            if ScriptUrl::absolute(&url_at("http://10.0.2.2")).is_err() {
                continue;
            }
            urls += 1;
            let body = |oracle: &IpxeOracle| {
                let url = ScriptUrl::absolute(&url_at(&oracle.base())).unwrap();
                format!("imgfetch --name f {url} after")
            };
            builds.run(&body, &|observed| {
                let url = url_at("http://10.0.2.2");
                let query = url.query().map_or(String::new(), |query| format!("?{query}"));
                let expected = format!("{}{query}", url.path());
                let asked = String::from_utf8_lossy(&observed.requests[0]);
                let decode = |text: &str| percent_decode_str(text).collect::<Vec<u8>>();
                assert_eq!(decode(&asked), decode(&expected), "{asked} for {url}");
                assert_eq!(observed.images, [b"f : 4 bytes [PXE-NBP] \"after\""]);
            });
        }
        if let Ok(profile) = ProfileName::new(&text) {
            labels += 1;
            let label = format!("profile-{profile}");
            builds.run(&|_| format!("goto {label}\nfail\n:{label}"), &|_| {});
        }
    }
    println!("{arguments} arguments, {texts_shown} menu texts, {urls} URLs, {labels} labels");
    assert!(arguments > 30 && texts_shown > 30 && urls > 50 && labels > 1);
}
