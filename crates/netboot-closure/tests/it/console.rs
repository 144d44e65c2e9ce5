//! The lines of the console: they are parsed as they were printed, and nothing else is.

use netboot_closure::Sha256;
use netboot_closure::boot_parameter::HttpUrl;
use netboot_closure::console::{
    ConsoleLine, ConsoleText, Failure, FailureCause, FetchProblem, Item, ROW_START, ShortDigest,
    StoreForm, StoreProgress, StoreStatus, StoreSummary,
};
use proptest::prelude::*;

use crate::console_lines::{failures, hostile_text, lines};

fn started(version: &str) -> ConsoleLine {
    ConsoleLine::Started { version: ConsoleText::new(version) }
}

proptest! {
    #[test]
    fn a_line_is_parsed_as_it_was_printed(line in lines()) {
        let printed = line.to_string();
        prop_assert!(printed.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{}", printed);
        prop_assert_eq!(ConsoleLine::parse(&printed), Some(line.clone()));
        for shown in [
            format!("[   25.918273] {printed}\r\n"),
            format!("[   25.918273] netboot-stage1[88]: {printed}\r"),
            format!("<6>[    5.1] {printed}"),
            format!("Nov 28 23:54:22 netboot-closure[1]: {printed}"),
            format!("[2026-11-28T23:54:22.123456Z] {printed}   "),
            format!("\u{1b}[0;32m{printed}\u{1b}[0m"),
            format!("[ ***  ] Job netboot-closure.service/start running{ROW_START}{printed}\n"),
            format!("{printed}\r\nlogin: "),
        ] {
            prop_assert_eq!(ConsoleLine::parse(&shown), Some(line.clone()), "{}", shown);
        }
    }

    #[test]
    fn a_line_that_was_cut_is_not_parsed(
        line in lines(),
        from: prop::sample::Index,
        to: prop::sample::Index,
    ) {
        let printed = line.to_string();
        let (from, to) = (from.index(printed.len()), to.index(printed.len() + 1));
        if (from, to) != (0, printed.len()) && from <= to {
            prop_assert_eq!(ConsoleLine::parse(&printed[from..to]), None);
        }
    }

    #[test]
    fn a_line_that_another_program_printed_into_is_not_parsed(
        line in lines(),
        at: prop::sample::Index,
        other in "[ -~]{1,60}",
    ) {
        let mut printed = line.to_string();
        let at = 1 + at.index(printed.len() - 1);
        printed.insert_str(at, &other);
        prop_assert_eq!(ConsoleLine::parse(&printed), None, "{}", printed);
    }

    #[test]
    fn text_from_outside_forges_no_line(text in hostile_text()) {
        let safe = ConsoleText::new(&text);
        prop_assert!(safe.as_str().len() <= ConsoleText::LIMIT);
        prop_assert_eq!(&ConsoleText::new(safe.as_str()), &safe);
        prop_assert_eq!(ConsoleLine::parse(safe.as_str()), None);
        // Wherever a terminal, or a lost byte, breaks the line.
        let line = started(&text);
        let printed = line.to_string();
        for end in 0..printed.len() {
            for rest in [&printed[..end], &printed[end..]] {
                prop_assert!(ConsoleLine::parse(rest).is_none_or(|parsed| parsed == line));
            }
        }
    }

    #[test]
    fn any_text_is_judged(text in hostile_text(), bytes: Vec<u8>) {
        let _ = ConsoleLine::parse(&text);
        let _ = ConsoleLine::parse(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn every_failure_has_a_hint_in_one_line(failure in failures()) {
        let hint = failure.hint();
        prop_assert!(hint.len() > 20 && hint.is_ascii() && !hint.contains('\n'), "{}", hint);
    }
}

#[test]
fn the_messages_of_other_programs_are_no_lines() {
    let line = started("0.1.0");
    for other in [
        format!("usb 1-1: Product: {line}"),
        format!("systemd[1]: Hostname set to <{line}>."),
        format!("[    3.14] usb 1-1: SerialNumber: {line}"),
        format!("root@worker:~# echo '{line}'"),
        format!("other {line}"),
        format!("{line} and more"),
        line.to_string().to_uppercase(),
        line.to_string().replace("0.1.0", "0.1.1"),
        line.to_string().replace("netboot |", "netboot  |"),
    ] {
        assert_eq!(ConsoleLine::parse(&other), None, "{other}");
    }
}

/// Two programs may print at once, so a part of a console may have several lines.
#[test]
fn the_last_of_several_lines_counts() {
    let console = format!("{}\r\n{}\r\n[  3.1] usb 1-1: new\r\n", started("1"), started("2"));
    assert_eq!(ConsoleLine::parse(&console), Some(started("2")));
}

/// The text is fixed, because programs of other versions read it too.
#[test]
fn a_last_word_says_everything() {
    let failure = Failure {
        cause: FailureCause::FetchFailed {
            item: Item::Path {
                path: "/nix/store/s66mzxpvicwk07gjbjfw9izjfa797vsw-hello-2.12.1".parse().unwrap(),
            },
            url: "http://10.0.2.2:8080/blobs/ab".parse().unwrap(),
            tries: 3,
            problem: FetchProblem::Missing,
        },
        card: None,
        address: Some("10.0.2.15".parse().unwrap()),
        available_memory: Some(612_000_123),
    };
    assert!(failure.hint().contains("10.0.2.2:8080"));
    let line = ConsoleLine::Failed { failure };
    assert_eq!(
        line.to_string(),
        "netboot | FAILED: cannot fetch /nix/store/s66mzxpvicwk07gjbjfw9izjfa797vsw-hello-2.12.1 \
         from http://10.0.2.2:8080/blobs/ab (tries: 3): the server does not have it; card unknown, \
         address 10.0.2.15, free memory 612,000,123 #ab30b6"
    );
}

#[test]
fn the_lines_of_a_boot_say_one_thing_together() {
    let mut status = StoreStatus::default();
    for line in recorded() {
        status.take(&line);
    }
    let StoreProgress { paths, all_paths, from_network, .. } = status.progress;
    assert_eq!((paths, all_paths, from_network, status.retries), (288, 288, 184_320_511, 20));
    assert_eq!(status.mirrors.len(), 16, "an endless console is forgotten");
    let json = serde_json::to_value(&status).unwrap();
    assert_eq!(serde_json::from_value::<StoreStatus>(json.clone()).unwrap(), status);
    assert_eq!(json["index"], "abababababab");
    assert_eq!(json["last_problem"], "the server does not have it");
    assert_eq!(json["failure"]["message"].as_str().unwrap(), status.failure.unwrap().to_string());
    assert!(json["failure"]["hint"].as_str().unwrap().contains("publish"));
    let mut status = StoreStatus::default();
    status.retries = 7;
    status.take(&started("0.1.0"));
    assert_eq!(status, StoreStatus::default(), "the machine starts again");
}

/// The lines of a boot in which almost everything goes wrong.
fn recorded() -> Vec<ConsoleLine> {
    let digest = ShortDigest::from(&Sha256::from_bytes([0xab; 32]));
    let url: HttpUrl = "http://10.0.2.2/blobs/ab".parse().unwrap();
    let problem = FetchProblem::Missing;
    let retry = ConsoleLine::Retry { item: Item::Index, attempt: 2, url: url.clone(), problem };
    let mirror = ConsoleLine::Mirror { to: url.clone(), from: url.clone() };
    let (item, problem) = (Item::Index, FetchProblem::Missing);
    let cause = FailureCause::FetchFailed { item, url, tries: 3, problem };
    let failure = Failure { cause, card: None, address: None, available_memory: None };
    let mut lines = vec![
        started("0.1.0"),
        ConsoleLine::Index { digest, paths: 288, bytes: 184_320_511, unpacked_bytes: 589_000_123 },
        ConsoleLine::Memory { needed: 1, available: 2, form: StoreForm::Zram },
    ];
    lines.extend([retry, mirror].into_iter().cycle().take(40));
    lines.push(ConsoleLine::Finished {
        summary: StoreSummary {
            milliseconds: 13_402,
            paths: 288,
            from_network: 184_320_511,
            from_disk: 0,
            retries: 20,
        },
    });
    lines.push(ConsoleLine::Failed { failure });
    lines
}
