//! For any text, the linter does not panic, and its time grows linearly with the length.
use std::fmt::Write as _;
use std::time::Duration;

use ipxe_script::{IpxeBuild, LintFinding, LintFindingKind, lint};
use proptest::prelude::*;

/// Words with a meaning for iPXE, which are joined at random.
const WORDS: [&str; 64] = [
    "\n",
    "\n",
    "\n",
    " ",
    " ",
    "\n:",
    ":a",
    "a",
    "b",
    "${a}",
    "${",
    "}",
    "${a:hexraw}",
    "${${a}}",
    "goto",
    "goto a",
    "goto ${a}",
    "chain",
    "kernel",
    "kernel x",
    "initrd",
    "initrd --name b c",
    "boot",
    "imgfree",
    "imgfree a",
    "imgverify",
    "imgverify x s",
    "imgtrust",
    "menu",
    "menu --name a",
    "item",
    "item a A",
    "item --gap",
    "choose",
    "choose a",
    "choose --default b a",
    "set",
    "set a b",
    "set a:int32 1",
    "set a:hexraw 247b613a737472696e677d",
    "inc a",
    "read a",
    "isset",
    "iseq ${a} 1",
    "sleep 0",
    "sleep",
    "exit",
    "exit 1",
    "echo",
    "||",
    "&&",
    ";",
    "#",
    "# x ||",
    "\\",
    "\\\n",
    "\r\n",
    "\0",
    "\u{feff}",
    "--",
    "--name",
    "-t",
    "http://a/%2Fb?c=%26",
    "é",
];

fn script() -> impl Strategy<Value = String> {
    let words = prop::collection::vec(prop::sample::select(WORDS.to_vec()), 0..120);
    words.prop_map(|words| format!("#!ipxe\n{}", words.join(" ")))
}

/// Lints for every build, and checks what is true of all findings.
fn lint_everywhere(script: &[u8]) {
    for build in IpxeBuild::all() {
        let findings = lint(script, &build);
        for finding in &findings {
            assert!(finding.start <= finding.end && finding.end <= script.len(), "{finding:?}");
            assert!(finding.line >= 1 && finding.column >= 1, "{finding:?}");
            assert!(!finding.to_string().is_empty() && !finding.hint().is_empty());
        }
        assert!(findings.is_sorted_by_key(|finding| finding.start), "{findings:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_are_linted(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        lint_everywhere(&bytes);
        lint_everywhere(&[b"#!ipxe\n".as_slice(), &bytes].concat());
    }

    #[test]
    fn arbitrary_commands_are_linted(script in script()) {
        lint_everywhere(script.as_bytes());
    }

    #[test]
    fn a_comment_line_changes_no_finding(script in script(), comment in "[a-z ]{0,20}") {
        let kinds = |script: &str| -> Vec<LintFindingKind> {
            let findings = lint(script, &IpxeBuild::default());
            // The comment moves the line that this kind names.
            let moved = |finding: &LintFinding| match finding.kind {
                LintFindingKind::DuplicateLabel { .. } => None,
                _ => Some(finding.kind.clone()),
            };
            findings.iter().filter_map(moved).collect()
        };
        let commented = script.replacen("#!ipxe\n", &format!("#!ipxe\n# {comment}.\n"), 1);
        prop_assert_eq!(kinds(&script), kinds(&commented));
    }
}

/// Scripts with many lines, each of which makes a check look far.
fn long_scripts(lines: usize) -> Vec<(&'static str, String)> {
    let repeat = |line: &dyn Fn(usize) -> String| -> String {
        (0..lines).fold("#!ipxe\n".to_owned(), |text, number| text + &line(number) + "\n")
    };
    let dispatch = repeat(&|n| format!("goto mac-{n} ||\n:mac-{n}\nset machine node-{n}"));
    let dynamic = repeat(&|n| format!("goto ${{net{n}/mac}} ||\n:label-{n}\necho {n}"));
    let mut menu = repeat(&|n| format!("item item-{n} Item {n}"));
    menu = menu.replacen("#!ipxe\n", "#!ipxe\nmenu A\n", 1);
    menu += "choose --default item-0 choice || exit 1\ngoto ${choice}\n";
    (0..lines).for_each(|n| {
        let _ = write!(menu, ":item-{n}\nexit 0\n");
    });
    vec![
        ("dispatch", dispatch),
        ("dynamic", dynamic),
        ("menu", menu),
        (
            "menus",
            repeat(&|n| format!("menu A\nitem a-{n} A\nchoose x || exit 1\ngoto a-${{x}} ||")),
        ),
        ("choices", repeat(&|_| "choose x ||".to_owned())),
        ("kernels", repeat(&|n| format!("kernel k-{n} ||\ninitrd i-{n} ||\nimgverify k-{n} s ||"))),
        ("initrds", repeat(&|n| format!("initrd --name i-{n} i ||"))),
        ("jumps", repeat(&|n| format!(":l-{n}\nisset ${{a}} && goto l-{} ||", n / 2))),
        ("settings", repeat(&|n| format!("set a-${{b}} ${{c-{n}}}\ninc d-{n}"))),
        ("open", repeat(&|_| "echo ${a".to_owned()).replace('\n', " ").replacen(' ', "\n", 1)),
        ("separators", repeat(&|_| "x ||".to_owned()).replace('\n', " ").replacen(' ', "\n", 1)),
        ("joined", repeat(&|_| "echo \\".to_owned())),
        ("duplicates", repeat(&|_| ":a\ngoto a".to_owned())),
    ]
}

/// The processor time that this thread has used. It does not grow while other tests run.
fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap()
}

#[test]
fn time_grows_with_the_script_and_no_faster() {
    const SHORT: usize = 400;
    const TIMES: u32 = 10;
    let time = |script: &str| {
        let start = thread_time();
        std::hint::black_box(lint(script, &IpxeBuild::default()));
        thread_time().saturating_sub(start)
    };
    for ((name, short), (_, long)) in
        long_scripts(SHORT).iter().zip(long_scripts(SHORT * TIMES as usize))
    {
        // Other tests share the caches, so the fastest of three runs counts.
        let best = |script: &str| time(script).min(time(script)).min(time(script));
        let (short, long) = (best(short).max(Duration::from_millis(1)), best(&long));
        // Quadratic growth would take ten times as long again.
        assert!(long < short * 5 * TIMES, "{name}: {short:?} and {long:?}");
    }
}

#[test]
fn a_script_of_100_000_lines_is_linted_in_seconds() {
    // Each part has three or four lines.
    let scripts = long_scripts(33_334).into_iter();
    for (name, script) in scripts.filter(|(name, _)| *name == "dispatch") {
        assert!(script.lines().count() >= 100_000, "{name}");
        let start = thread_time();
        let count = lint(&script, &IpxeBuild::default()).len();
        let time = thread_time().saturating_sub(start);
        assert!(time < Duration::from_secs(60), "{name}: {count} findings in {time:?}");
    }
}
