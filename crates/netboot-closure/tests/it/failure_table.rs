//! The table of failures in `docs/closure-boot.md` has the words of the console. `UPDATE_GOLDEN=1`
//! writes it.

use std::path::Path;

use netboot_closure::StorePath;
use netboot_closure::boot_parameter::CardAddress;
use netboot_closure::console::{ConsoleText, Failure, FailureCause, FetchProblem, Item, StoreForm};

const HEAD: &str =
    "| the console says `FAILED:` and | the machine tried | what to do |\n|---|---|---|\n";

/// Each failure, and what the machine did before it gave up.
fn failures() -> Vec<(FailureCause, &'static str)> {
    let text = |text: &str| ConsoleText::new(text);
    let glibc: StorePath =
        "/nix/store/s66mzxpvicwk07gjbjfw9izjfa797vsw-glibc-2.42".parse().unwrap();
    let fetch = |item: Item, tries, problem| FailureCause::FetchFailed {
        item,
        url: "http://10.0.0.1/blobs/5b07fe".parse().unwrap(),
        tries,
        problem,
    };
    let path = || Item::Path { path: glibc.clone() };
    let unreachable = FetchProblem::Unreachable { reason: text("connection refused") };
    let once = "once";
    let patient = "until nothing came for 120 s";
    let thrice = "3 times at each source";
    vec![
        (FailureCause::IndexParameterMissing, once),
        (FailureCause::SourceParameterMissing, once),
        (
            FailureCause::ParameterMalformed {
                reason: text("\"netboot.store=disc\" should be auto, tmpfs, zram or disk"),
            },
            once,
        ),
        (
            FailureCause::CardMissing {
                wanted: CardAddress::from_bytes([0x52, 0x54, 0, 0x12, 0x34, 0x56]),
                interfaces: text("lo"),
            },
            "for 120 s",
        ),
        (FailureCause::AddressMissing { seconds: 120 }, "for 120 s"),
        (fetch(Item::Index, 24, unreachable), patient),
        (fetch(path(), 9, FetchProblem::Stalled { seconds: 20 }), patient),
        (fetch(path(), 3, FetchProblem::Refused { status: 403 }), thrice),
        (fetch(path(), 3, FetchProblem::Missing), thrice),
        (fetch(path(), 3, FetchProblem::WrongDigest), thrice),
        (fetch(Item::Index, 3, FetchProblem::WrongDigest), thrice),
        (
            FailureCause::MemoryTooSmall {
                needed: 850_000_000,
                available: 700_000_000,
                form: StoreForm::Tmpfs,
            },
            "once, before it fetched a store path",
        ),
        (
            FailureCause::PathRefused { path: glibc.clone(), reason: text("it ends too early") },
            once,
        ),
        (FailureCause::InitMissing { init: text("/nix/store/0a1b-nixos-system/init") }, once),
    ]
}

fn row((cause, tried): (FailureCause, &str)) -> String {
    let failure = Failure { cause, card: None, address: None, available_memory: None };
    format!("| `{}` | {tried} | {} |\n", failure.cause, failure.hint())
}

#[test]
fn the_table_of_failures_has_the_words_of_the_console() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/closure-boot.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(HEAD).unwrap();
    let end = rest.find("\n\n").unwrap() + 1;
    let rows: String = failures().into_iter().map(row).collect();
    netboot_testbed::assert_golden(&path, &format!("{before}{HEAD}{rows}{}", &rest[end..]));
}
