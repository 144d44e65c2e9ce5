//! Random lines of the console.

use netboot_closure::StorePath;
use netboot_closure::boot_parameter::{CardAddress, HttpUrl};
use netboot_closure::console::{
    Card, ConsoleLine, ConsoleText, Failure, FailureCause, FetchProblem, InterfaceName, Item,
    ShortDigest, StoreForm, StoreProgress, StoreSummary, Warning,
};
use proptest::prelude::*;

/// Text that an attacker may choose.
pub(crate) fn hostile_text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        any::<String>(),
        Just("netboot | FAILED: ".to_owned()),
        Just("; card unknown, address unknown, free memory unknown #123456".to_owned()),
        Just("\"\r\n\u{1b}[2Jnetboot | \"".to_owned()),
        Just(ConsoleLine::Started { version: ConsoleText::new("9") }.to_string()),
        Just("x".repeat(300)),
    ];
    prop::collection::vec(part, 0..4).prop_map(|parts| parts.concat())
}

fn texts() -> impl Strategy<Value = ConsoleText> {
    hostile_text().prop_map(ConsoleText::new)
}

fn paths() -> impl Strategy<Value = StorePath> {
    "[0-9a-df-np-sv-z]{32}-[a-zA-Z0-9+_?=][a-zA-Z0-9+._?=-]{0,60}"
        .prop_map(|name| StorePath::from_base_name(&name).unwrap())
}

fn urls() -> impl Strategy<Value = HttpUrl> {
    "http://([a-z][a-z0-9.-]{0,20}|\\[::1\\])(:[1-9][0-9]{0,3})?(/[!$-;=?-\\[\\]_a-z~]{0,80})?"
        .prop_map(|url| url.parse().unwrap())
}

fn cards() -> impl Strategy<Value = Option<Card>> {
    prop::option::of((any::<String>(), any::<[u8; 6]>()).prop_map(|(name, address)| Card {
        interface: InterfaceName::new(&name),
        address: CardAddress::from_bytes(address),
    }))
}

fn items() -> impl Strategy<Value = Item> {
    prop_oneof![Just(Item::Index), paths().prop_map(|path| Item::Path { path })]
}

fn forms() -> impl Strategy<Value = StoreForm> {
    prop_oneof![Just(StoreForm::Tmpfs), Just(StoreForm::Zram)]
}

fn problems() -> impl Strategy<Value = FetchProblem> {
    prop_oneof![
        texts().prop_map(|reason| FetchProblem::Unreachable { reason }),
        Just(FetchProblem::Missing),
        any::<u32>().prop_map(|status| FetchProblem::Refused { status }),
        texts().prop_map(|reason| FetchProblem::Malformed { reason }),
        Just(FetchProblem::WrongDigest),
        any::<[u64; 2]>()
            .prop_map(|[received, expected]| FetchProblem::Truncated { received, expected }),
        any::<u64>().prop_map(|expected| FetchProblem::TooLong { expected }),
        any::<u64>().prop_map(|seconds| FetchProblem::Stalled { seconds }),
    ]
}

fn warnings() -> impl Strategy<Value = Warning> {
    let label = || "[a-z0-9][a-zA-Z0-9._-]{0,20}".prop_map(|label| label.parse().unwrap());
    prop_oneof![
        label().prop_map(|label| Warning::CacheMissing { label }),
        (label(), texts()).prop_map(|(label, reason)| Warning::CacheUnusable { label, reason }),
        paths().prop_map(|path| Warning::CacheDamaged { path }),
        texts().prop_map(|reason| Warning::FormOfStore { reason }),
        texts().prop_map(|reason| Warning::ReportNotDelivered { reason }),
        texts().prop_map(|parameter| Warning::SourceUnusable { parameter }),
    ]
}

fn causes() -> impl Strategy<Value = FailureCause> {
    prop_oneof![
        Just(FailureCause::IndexParameterMissing),
        Just(FailureCause::SourceParameterMissing),
        texts().prop_map(|reason| FailureCause::ParameterMalformed { reason }),
        (any::<[u8; 6]>(), texts()).prop_map(|(address, interfaces)| FailureCause::CardMissing {
            wanted: CardAddress::from_bytes(address),
            interfaces,
        }),
        any::<u64>().prop_map(|seconds| FailureCause::AddressMissing { seconds }),
        (items(), urls(), any::<u32>(), problems()).prop_map(|(item, url, tries, problem)| {
            FailureCause::FetchFailed { item, url, tries, problem }
        }),
        texts().prop_map(|reason| FailureCause::IndexMalformed { reason }),
        (any::<[u64; 2]>(), forms()).prop_map(|([needed, available], form)| {
            FailureCause::MemoryTooSmall { needed, available, form }
        }),
        (paths(), texts()).prop_map(|(path, reason)| FailureCause::PathRefused { path, reason }),
        texts().prop_map(|reason| FailureCause::StoreTooSmall { reason }),
        any::<u64>().prop_map(|seconds| FailureCause::ZramStalled { seconds }),
        paths().prop_map(|path| FailureCause::StoreFull { path }),
        (texts(), texts())
            .prop_map(|(action, reason)| FailureCause::InputOutput { action, reason }),
        texts().prop_map(|init| FailureCause::InitMissing { init }),
    ]
}

/// Random last words.
pub(crate) fn failures() -> impl Strategy<Value = Failure> {
    (causes(), cards(), any::<Option<std::net::IpAddr>>(), any::<Option<u64>>()).prop_map(
        |(cause, card, address, available_memory)| Failure {
            cause,
            card,
            address,
            available_memory,
        },
    )
}

/// Random lines of every kind.
pub(crate) fn lines() -> impl Strategy<Value = ConsoleLine> {
    prop_oneof![
        texts().prop_map(|version| ConsoleLine::Started { version }),
        (any::<[u8; 32]>(), any::<[u64; 3]>()).prop_map(|(digest, [paths, bytes, unpacked])| {
            let digest = ShortDigest::from(&netboot_closure::Sha256::from_bytes(digest));
            ConsoleLine::Index { digest, paths, bytes, unpacked_bytes: unpacked }
        }),
        (any::<[u64; 2]>(), forms()).prop_map(|([needed, available], form)| {
            ConsoleLine::Memory { needed, available, form }
        }),
        any::<[u64; 6]>().prop_map(|[paths, all_paths, bytes, all_bytes, network, disk]| {
            let (from_network, from_disk) = (network, disk);
            let progress =
                StoreProgress { paths, all_paths, bytes, all_bytes, from_network, from_disk };
            ConsoleLine::Progress { progress }
        }),
        (items(), any::<u32>(), urls(), problems()).prop_map(|(item, attempt, url, problem)| {
            ConsoleLine::Retry { item, attempt, url, problem }
        }),
        (urls(), urls()).prop_map(|(to, from)| ConsoleLine::Mirror { to, from }),
        warnings().prop_map(|warning| ConsoleLine::Warning { warning }),
        any::<[u64; 5]>().prop_map(|[milliseconds, paths, from_network, from_disk, retries]| {
            let summary = StoreSummary { milliseconds, paths, from_network, from_disk, retries };
            ConsoleLine::Finished { summary }
        }),
        failures().prop_map(|failure| ConsoleLine::Failed { failure }),
    ]
}
