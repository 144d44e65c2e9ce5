//! Shows in real iPXE that findings are right: it runs a script with a finding, and its twin
//! without one.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use netboot_testbed::{IpxeOracle, Observation, OracleCase};

/// The expected effects of a script.
struct Seen {
    /// True if the script succeeds. `None` if iPXE hangs.
    success: Option<bool>,
    /// Texts that it prints.
    prints: &'static [&'static str],
    /// Texts that it does not print.
    hides: &'static [&'static str],
    /// The requests that it sends.
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

/// A kind of finding, and the expected effects of its two scripts.
type Claim = (&'static str, Seen, Seen);

/// The expected effects of `bad.ipxe` and `good.ipxe` of each kind. The server has none of the
/// files that they request.
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
    if seen.success.is_some() {
        return compare(&oracle.run(&case), code, name, seen);
    }
    // It hangs, and a busy machine may need longer to come as far as claimed.
    let mut difference = String::new();
    for seconds in [4, 16, 64] {
        case.patience = Duration::from_secs(seconds);
        difference = compare(&oracle.run(&case), code, name, seen);
        if difference.is_empty() {
            break;
        }
        oracle.restart();
    }
    difference
}

/// Tells how an observation differs from what is claimed.
fn compare(observed: &Observation, code: &str, name: &str, seen: &Seen) -> String {
    // The messages about the download of the script itself do not count.
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

/// Runs the scripts of all these kinds, and reports every difference.
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
    // This build has HTTPS.
    let claims = CLAIMS.iter().filter(|(code, ..)| *code != "missing-protocol");
    run_all(&mut IpxeOracle::sid(), claims);
}

#[test]
fn what_hangs_ipxe_is_an_error() {
    const HANGS: Seen = Seen { success: None, prints: &[], hides: &["hello"], requests: &[] };
    // Under a BIOS, iPXE executes a small file that is not a script as a program.
    const CLAIMS: [Claim; 2] =
        [("magic", HANGS, ends(true).prints(&["hello"])), ("self-reference", HANGS, ends(true))];
    run_all(&mut IpxeOracle::bookworm(), CLAIMS.iter());
}

/// The requests of iPXE, and its images after them.
fn requests_and_images(name: &str, code: &str) -> (Vec<String>, Vec<String>) {
    let mut oracle = IpxeOracle::bookworm();
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lint").join(code);
    let script = fs::read_to_string(directory.join(name)).unwrap();
    // The fetched files are not kernels, so iPXE must not start them.
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

#[test]
fn ipxe_reads_values_and_line_ends_as_the_findings_say() {
    // Each script, and what it prints and does not print.
    let scripts: [(&str, &[&str], &[&str]); 6] = [
        ("set title ----\necho ${title} || echo refused", &["refused"], &[]),
        ("set title ----\necho -- ${title} || echo refused", &["----"], &["refused"]),
        ("set round:int32 2\ninc round -1\necho =${round}=", &["=1="], &["invalid"]),
        (
            "set title --timeout 3\nmenu M\nitem a A\nchoose ${title} round || echo refused",
            &["Unrecognised option", "refused"],
            &[],
        ),
        ("set title a\r\ngoto on\r\n:on\r\necho =${title}=\r", &["=a="], &[]),
        (
            "imgfetch --name a a && imgfetch --name b b && imgfree a && imgstat a || echo no a",
            &["no a"],
            &[],
        ),
    ];
    let mut oracle = IpxeOracle::bookworm();
    for (script, prints, hides) in scripts {
        let script = format!("#!ipxe\n{script}\n");
        let mut case =
            OracleCase::new(script.as_bytes(), Arc::new(|_| Some(b"no kernel".to_vec())));
        case.forget = vec!["title".to_owned(), "round".to_owned()];
        let observed = oracle.run(&case);
        let lines = observed.lines.iter().map(|line| String::from_utf8_lossy(line).into_owned());
        let printed = lines.collect::<Vec<_>>().join("\n");
        assert!(prints.iter().all(|text| printed.contains(text)), "{script}: {printed}");
        assert!(!hides.iter().any(|text| printed.contains(text)), "{script}: {printed}");
    }
}
