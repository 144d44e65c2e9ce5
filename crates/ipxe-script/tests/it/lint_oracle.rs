//! What findings claim, shown by real iPXE: what it makes of a script that has one, and of its
//! twin that has none.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use netboot_testbed::{IpxeOracle, OracleCase};

/// What is to be seen of a script.
struct Seen {
    /// True if it succeeds; nothing if iPXE hangs.
    success: Option<bool>,
    /// Parts of what is printed.
    prints: &'static [&'static str],
    /// What is not printed.
    hides: &'static [&'static str],
    /// What is asked for.
    requests: &'static [&'static str],
}

const fn ends(success: bool) -> Seen {
    Seen { success: Some(success), prints: &[], hides: &[], requests: &[] }
}

impl Seen {
    const fn prints(self, prints: &'static [&'static str]) -> Self {
        Self { prints, ..self }
    }

    const fn hides(self, hides: &'static [&'static str]) -> Self {
        Self { hides, ..self }
    }

    const fn asks(self, requests: &'static [&'static str]) -> Self {
        Self { requests, ..self }
    }
}

/// A kind of finding, and what is seen of its scripts.
type Claim = (&'static str, Seen, Seen);

/// What is seen of each kind's `bad.ipxe` and its `good.ipxe`. No file that they
/// ask for is there.
const CLAIMS: &[Claim] = &[
    ("nul", ends(true).prints(&["one"]).hides(&["two"]), ends(true).prints(&["one two"])),
    ("open-end", ends(false).hides(&["one"]), ends(true).prints(&["one two"])),
    ("continued-comment", ends(true).hides(&["two"]), ends(true).prints(&["two"])),
    ("comment-cuts-arguments", ends(true).hides(&["7"]), ends(true).prints(&["Rack no.7"])),
    ("glued-separator", ends(true).hides(&["one"]), ends(true).prints(&["one"])),
    ("shell-syntax", ends(true).prints(&["\"My menu\""]), ends(true).prints(&["\"My menu\""])),
    ("split-expansion", ends(true).prints(&["${my title}"]), ends(true).prints(&["one"])),
    ("open-expansion", ends(true).prints(&["${serial"]), ends(true).hides(&["${"])),
    ("unknown-option", ends(true).prints(&["Unrecognised option"]), ends(true).hides(&["Usage"])),
    ("option-value", ends(true).prints(&["invalid integer"]), ends(true).hides(&["invalid"])),
    ("malformed-number", ends(false).prints(&["invalid integer"]), ends(true)),
    ("argument-count", ends(true).prints(&["Usage:"]), ends(true).hides(&["Usage:"])),
    ("too-many-arguments", ends(false).prints(&["Usage:"]), ends(false).asks(&["/t/vmlinuz"])),
    (
        "missing-protocol",
        ends(false).prints(&["Operation not supported"]),
        ends(false).prints(&["Operation not supported", "it failed"]),
    ),
    ("constant-condition", ends(true).hides(&["no serial"]), ends(true).prints(&["no serial"])),
    ("undefined-label", ends(false).hides(&["it failed"]), ends(false).prints(&["it failed"])),
    ("duplicate-label", ends(true).prints(&["one", "two"]), ends(true).prints(&["one"])),
    ("dynamic-label", ends(false), ends(true)),
    ("expansion-in-label", ends(false), ends(false)),
    ("unknown-setting-type", ends(true).hides(&["52-54"]), ends(true).prints(&["52-54-00"])),
    ("not-a-number", ends(false), ends(true).prints(&["1"])),
    ("item-without-menu", ends(false), ends(true).prints(&["one"])),
    ("nothing-selected", ends(true).hides(&["it failed"]), ends(false).prints(&["it failed"])),
    ("unhandled-failure", ends(false), ends(true).prints(&["does not start"])),
];

fn run(oracle: &mut IpxeOracle, code: &str, name: &str, seen: &Seen) -> String {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lint").join(code);
    let script = fs::read(directory.join(name)).unwrap();
    let mut case = OracleCase::new(&script, Arc::new(|_| None));
    case.forget = ["title", "my-title", "round", "choice", "loop"].map(str::to_owned).into();
    if seen.success.is_none() {
        case.patience = Duration::from_secs(4);
    }
    let observed = oracle.run(&case);
    // What tells of the script's own download is not of interest.
    let printed = observed.lines.iter().map(|line| String::from_utf8_lossy(line).into_owned());
    let printed: Vec<String> = printed.filter(|line| !line.contains("/script.ipxe...")).collect();
    let printed = printed.join("\n");
    let asked = |build: &&str| observed.requests.iter().any(|it| it == build.as_bytes());
    let is_as_claimed = observed.success == seen.success
        && seen.prints.iter().all(|text| printed.contains(text))
        && !seen.hides.iter().any(|text| printed.contains(text))
        && seen.requests.iter().all(asked);
    if is_as_claimed {
        return String::new();
    }
    let success = observed.success;
    format!("{code}/{name}: success is {success:?}\n{printed}\n")
}

/// Runs the scripts of all these kinds, and says all that is other than claimed.
fn run_all<'a>(oracle: &mut IpxeOracle, claims: impl Iterator<Item = &'a Claim>) {
    let mut failures = String::new();
    for (code, bad, good) in claims {
        failures += &run(oracle, code, "bad.ipxe", bad);
        failures += &run(oracle, code, "good.ipxe", good);
    }
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn ipxe_of_2019_does_what_the_findings_say() {
    let mut oracle = IpxeOracle::bookworm();
    run_all(&mut oracle, CLAIMS.iter());
    let unknown = ends(false).prints(&["command not found"]);
    assert_eq!(run(&mut oracle, "unknown-command", "bad.ipxe", &unknown), "");
    assert_eq!(oracle.starts(), 1);
}

#[test]
fn ipxe_2_does_what_the_findings_say() {
    // It has HTTPS.
    let claims = CLAIMS.iter().filter(|(code, ..)| *code != "missing-protocol");
    run_all(&mut IpxeOracle::sid(), claims);
}

#[test]
fn what_hangs_ipxe_is_an_error() {
    const HANGS: Seen = Seen { success: None, prints: &[], hides: &["hello"], requests: &[] };
    // Under a BIOS, a small file that is no script is executed as a program.
    const CLAIMS: [Claim; 2] =
        [("magic", HANGS, ends(true).prints(&["hello"])), ("self-reference", HANGS, ends(true))];
    run_all(&mut IpxeOracle::bookworm(), CLAIMS.iter());
}

/// What iPXE asks for, and the images that it then has.
fn requests_and_images(name: &str, code: &str) -> (Vec<String>, Vec<String>) {
    let mut oracle = IpxeOracle::bookworm();
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lint").join(code);
    let script = fs::read_to_string(directory.join(name)).unwrap();
    // What is fetched is no kernel, and not to be started.
    let script = script.replace("boot ||", "exit 0 ||");
    let base = oracle.base();
    let script = script.replace("http://boot.example", &base);
    let observed =
        oracle.run(&OracleCase::new(script.as_bytes(), Arc::new(|_| Some(b"no kernel".to_vec()))));
    let texts = |lines: Vec<Vec<u8>>| {
        lines.into_iter().map(|line| String::from_utf8_lossy(&line).into_owned()).collect()
    };
    (texts(observed.requests), texts(observed.images))
}

#[test]
fn images_and_urls_are_as_the_findings_say() {
    let (requests, _) = requests_and_images("bad.ipxe", "reencoded-escape");
    assert_eq!(requests, ["/a/b.ipxe"]);
    let (requests, _) = requests_and_images("good.ipxe", "reencoded-escape");
    assert_eq!(requests, ["/a%20b.ipxe"]);

    let (requests, images) = requests_and_images("bad.ipxe", "unknown-image");
    assert_eq!(requests, ["/t/vmlinuz", "/t/vmlinux"], "{images:?}");
    let (requests, images) = requests_and_images("good.ipxe", "unknown-image");
    assert_eq!(requests, ["/t/vmlinuz"], "{images:?}");

    let (_, images) = requests_and_images("bad.ipxe", "duplicate-image");
    let twins = images.iter().filter(|image| image.starts_with("initrd :"));
    assert_eq!(twins.count(), 2, "{images:?}");

    let (_, images) = requests_and_images("bad.ipxe", "unnamed-initrd");
    assert!(!images.iter().any(|image| image.starts_with("initrd :")), "{images:?}");
    let (_, images) = requests_and_images("good.ipxe", "unnamed-initrd");
    assert!(images.iter().any(|image| image.starts_with("initrd :")), "{images:?}");
}
