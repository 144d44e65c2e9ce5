//! Parsing of texts: accepted texts come back unchanged, and refused texts give an error with the
//! problem and the rule.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use netboot_core::TextProblem::{BadEdge, Empty, ForbiddenCharacter, Malformed, Reserved, TooLong};
use netboot_core::{
    Architecture, BackendError, FileName, InitPath, InvalidValue, KernelCommandLine,
    KernelParameter, PointerName, ProfileName, ReleaseId, ReleasePath, ServiceName, Sha256Digest,
    SiteName, StorePathDigest, TextProblem, Title, ValueKind,
};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A value that is parsed from a text.
trait Value:
    Display + Debug + FromStr<Err = InvalidValue> + PartialEq + Serialize + DeserializeOwned
{
    const KIND: ValueKind;
}

macro_rules! values {
    ($($name:ident),*) => {
        $(impl Value for $name { const KIND: ValueKind = ValueKind::$name; })*
    };
}
values!(ProfileName, ServiceName, PointerName, Title, FileName, ReleasePath);
values!(KernelParameter, InitPath, Sha256Digest, ReleaseId, Architecture);
values!(SiteName, StorePathDigest);

/// Asserts that the text is accepted by every parser and comes back in every format.
fn round_trip<T: Value>(text: &str) {
    let value: T = text.parse().unwrap();
    assert_eq!(value.to_string(), text);
    let json = serde_json::to_string(&value).unwrap();
    assert_eq!(json, serde_json::to_string(text).unwrap());
    assert_eq!(serde_json::from_str::<T>(&json).unwrap(), value);
    // Padding in tables does not change the text.
    assert_eq!(format!("{value:<600}").trim_end_matches(' '), text.trim_end_matches(' '));
}

/// Asserts that every parser refuses the text, and returns the problem.
fn refused<T: Value>(text: &str) -> TextProblem {
    let error = text.parse::<T>().unwrap_err();
    assert_eq!(error.hint().as_deref(), Some(T::KIND.rule()), "{error}");
    assert!(!error.to_string().contains(['\n', '\0']), "{error}");
    let json = serde_json::to_string(text).unwrap();
    let by_json = serde_json::from_str::<T>(&json).unwrap_err();
    assert!(by_json.to_string().contains(&error.to_string()), "{by_json} and {error}");
    let InvalidValue { kind, value, problem, .. } = error;
    assert_eq!(kind, T::KIND);
    assert!(value.chars().count() <= 80 && text.starts_with(&value), "{value:?} of {text:?}");
    problem
}

/// Asserts that a text is either accepted and comes back, or refused with a rule.
fn either<T: Value>(text: &str) {
    match text.parse::<T>() {
        // An architecture also accepts the name of a system, and a digest also capitals.
        Ok(value) => round_trip::<T>(&value.to_string()),
        Err(_) => {
            refused::<T>(text);
        }
    }
}

fn is_reserved(name: &str) -> bool {
    ["releases", "blobs", "boot", "autoexec"].contains(&name)
}

const NAME: &str = "[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?";
const FILE_NAME: &str = "[A-Za-z0-9][A-Za-z0-9._-]{0,127}";
/// Characters with a meaning for a shell, iPXE, a kernel or a file system.
const HOSTILE: &str = r#"[a-z0-9/._=*"${} \n\t\x00\\é-]{0,40}"#;

proptest! {
    // A failure is printed completely and writes no file into the sources.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn names_come_back(name in NAME.prop_filter("reserved", |name| !is_reserved(name))) {
        round_trip::<ProfileName>(&name);
        round_trip::<ServiceName>(&name);
        round_trip::<PointerName>(&name);
    }

    #[test]
    fn titles_come_back(title in r"\PC{1,100}") {
        round_trip::<Title>(&title);
    }

    #[test]
    fn paths_come_back(parts in prop::collection::vec(FILE_NAME, 1..4)) {
        round_trip::<FileName>(&parts[0]);
        round_trip::<ReleasePath>(&parts.join("/"));
    }

    #[test]
    fn kernel_parameters_come_back(
        key in "[a-z_.]{1,20}",
        value in r#"([!#-~]{0,30}|"[ !#-~]{0,30}")"#,
    ) {
        prop_assume!(key != "init" && key != "initrd");
        round_trip::<KernelParameter>(&format!("{key}={value}"));
    }

    #[test]
    fn init_paths_come_back(path in "(/[A-Za-z0-9+_?=-][A-Za-z0-9+_?=.-]{0,40}){1,6}") {
        round_trip::<InitPath>(&path);
    }

    #[test]
    fn digests_come_back(bytes: [u8; 32]) {
        let digest = Sha256Digest::from_bytes(bytes);
        assert_eq!(digest.as_bytes(), &bytes);
        round_trip::<Sha256Digest>(&digest.to_string());
        round_trip::<ReleaseId>(&ReleaseId::from(digest).to_string());
        let capitals = digest.to_string().to_uppercase();
        assert_eq!(capitals.parse::<Sha256Digest>().unwrap(), digest);
    }

    #[test]
    fn any_text_is_a_value_or_refused_with_the_rule(text in prop_oneof![any::<String>(), HOSTILE]) {
        either::<ProfileName>(&text);
        either::<ServiceName>(&text);
        either::<PointerName>(&text);
        either::<Title>(&text);
        either::<FileName>(&text);
        either::<ReleasePath>(&text);
        either::<KernelParameter>(&text);
        either::<InitPath>(&text);
        either::<Sha256Digest>(&text);
        either::<ReleaseId>(&text);
        either::<Architecture>(&text);
    }

    #[test]
    fn a_release_path_stays_below_its_root(
        text in prop_oneof![r"[a.]{0,3}(/[a.]{0,3}){0,4}", HOSTILE],
    ) {
        if let Ok(path) = ReleasePath::new(text) {
            let parts: Vec<_> = std::path::Path::new(path.as_str()).components().collect();
            assert!(parts.iter().all(|part| matches!(part, std::path::Component::Normal(_))));
        }
    }

    /// Reads the line like a kernel (`next_arg` in its `lib/cmdline.c`): no parameter becomes two,
    /// and no parameter is another `init=`.
    #[test]
    fn a_command_line_says_what_was_asked_for(
        texts in prop::collection::vec(
            prop_oneof![HOSTILE, r#""?init(rd)?"?="?[a-z/ ]{0,5}"?"#],
            0..6,
        ),
    ) {
        let init = InitPath::new("/nix/store/0a-system/init").unwrap();
        let parameters: Vec<_> =
            texts.into_iter().filter_map(|text| KernelParameter::new(text).ok()).collect();
        let line = KernelCommandLine::new(&init, &parameters).unwrap();
        let read = as_a_kernel_reads(&line.to_string());
        assert_eq!(read.len(), 1 + parameters.len());
        assert_eq!(read[0], "init=/nix/store/0a-system/init");
        assert!(read[1..].iter().all(|word| !word.starts_with("init=")), "{read:?}");
    }
}

/// Splits at spaces outside of double quotes, and removes the quotes at the start of a word.
fn as_a_kernel_reads(line: &str) -> Vec<String> {
    let mut quoted = false;
    let words = line.split(|character| {
        quoted ^= character == '"';
        character == ' ' && !quoted
    });
    words.map(|word| word.strip_prefix('"').unwrap_or(word).to_owned()).collect()
}

#[test]
fn hostile_texts_are_no_names() {
    fn check<T: Value>() {
        let forbidden = |character, position| ForbiddenCharacter { character, position };
        assert_eq!(refused::<T>(""), Empty);
        assert_eq!(refused::<T>("../etc"), forbidden('.', 0));
        assert_eq!(refused::<T>("a\nchain x"), forbidden('\n', 1));
        assert_eq!(refused::<T>("${x}"), forbidden('$', 0));
        assert_eq!(refused::<T>("a\0"), forbidden('\0', 1));
        assert_eq!(refused::<T>("größe"), forbidden('ö', 2));
        assert_eq!(refused::<T>("Worker"), forbidden('W', 0));
        assert_eq!(refused::<T>("init=/x"), forbidden('=', 4));
        assert_eq!(refused::<T>("*"), forbidden('*', 0));
        assert_eq!(refused::<T>("-x"), BadEdge { character: '-' });
        assert_eq!(refused::<T>("x_"), BadEdge { character: '_' });
        assert_eq!(refused::<T>(&"x".repeat(300)), TooLong { length: 300, limit: 63 });
        round_trip::<T>(&"x".repeat(63));
    }
    check::<ProfileName>();
    check::<ServiceName>();
    check::<PointerName>();
    assert_eq!(refused::<ProfileName>("releases"), Reserved);
    assert_eq!(refused::<ProfileName>("blobs"), Reserved);
    assert_eq!(refused::<PointerName>("boot"), Reserved);
    assert_eq!(refused::<PointerName>("autoexec"), Reserved);
    assert_eq!(PointerName::default().as_str(), "current");
}

#[test]
fn hostile_texts_are_no_titles() {
    assert_eq!(refused::<Title>(""), Empty);
    let newline = ForbiddenCharacter { character: '\n', position: 1 };
    assert_eq!(refused::<Title>("a\nitem x"), newline);
    assert_eq!(refused::<Title>("\0"), ForbiddenCharacter { character: '\0', position: 0 });
    assert_eq!(refused::<Title>(&"x".repeat(300)), TooLong { length: 300, limit: 100 });
    // The limit is a hundred characters, not bytes.
    round_trip::<Title>(&"😀".repeat(100));
    assert_eq!(refused::<Title>(&"é".repeat(101)), TooLong { length: 101, limit: 100 });
}

#[test]
fn hostile_texts_are_no_paths() {
    let forbidden = |character, position| ForbiddenCharacter { character, position };
    assert_eq!(refused::<FileName>("../x"), forbidden('/', 2));
    assert_eq!(refused::<FileName>(".."), BadEdge { character: '.' });
    assert_eq!(refused::<FileName>("--name"), BadEdge { character: '-' });
    assert_eq!(refused::<FileName>("a b"), forbidden(' ', 1));
    assert_eq!(refused::<FileName>("${x}"), forbidden('$', 0));
    assert_eq!(refused::<FileName>(&"x".repeat(300)), TooLong { length: 300, limit: 128 });

    assert_eq!(refused::<ReleasePath>(""), Empty);
    assert_eq!(refused::<ReleasePath>("../x"), BadEdge { character: '.' });
    assert_eq!(refused::<ReleasePath>("a/../../x"), BadEdge { character: '.' });
    assert_eq!(refused::<ReleasePath>("a/.hidden"), BadEdge { character: '.' });
    for path in ["/etc/passwd", "a//b", "a/"] {
        assert_eq!(refused::<ReleasePath>(path), Malformed { expected: "no empty parts" });
    }
    assert_eq!(refused::<ReleasePath>("a/b\n"), forbidden('\n', 3));
    assert_eq!(refused::<ReleasePath>("a\\b"), forbidden('\\', 1));
    assert_eq!(refused::<ReleasePath>("a/größe"), forbidden('ö', 4));
    assert_eq!(refused::<ReleasePath>("a/%2e%2e/b"), forbidden('%', 2));
    let long = "x/".repeat(300);
    assert_eq!(refused::<ReleasePath>(&long), TooLong { length: 600, limit: 512 });
}

#[test]
fn hostile_texts_are_no_kernel_parameters() {
    let forbidden = |character, position| ForbiddenCharacter { character, position };
    assert_eq!(refused::<KernelParameter>(""), Empty);
    for text in ["init=/x", "initrd=x", "init", "initrd", "\"init=/x\"", "\"initrd=a b\""] {
        assert_eq!(refused::<KernelParameter>(text), Reserved, "{text}");
    }
    assert_eq!(refused::<KernelParameter>("quiet init=/x"), forbidden(' ', 5));
    assert_eq!(refused::<KernelParameter>("a=\"b c\" d"), forbidden(' ', 7));
    assert_eq!(refused::<KernelParameter>("a=\"b c\nd\""), forbidden('\n', 6));
    assert_eq!(refused::<KernelParameter>("a\0"), forbidden('\0', 1));
    assert_eq!(refused::<KernelParameter>("a=é"), forbidden('é', 2));
    let unclosed = Malformed { expected: "a closing double quote" };
    assert_eq!(refused::<KernelParameter>("a=\"b"), unclosed);
    assert_eq!(
        refused::<KernelParameter>(&"x".repeat(1025)),
        TooLong { length: 1025, limit: 1024 }
    );
    // Neither belongs to Netboot.
    round_trip::<KernelParameter>("init_on_alloc=1");
    round_trip::<KernelParameter>("rd.systemd.unit=\"a b.target\"");
}

#[test]
fn hostile_texts_are_no_init_paths() {
    let forbidden = |character, position| ForbiddenCharacter { character, position };
    assert_eq!(refused::<InitPath>("/nix/store/*/init"), forbidden('*', 11));
    assert_eq!(refused::<InitPath>("/i quiet"), forbidden(' ', 2));
    assert_eq!(refused::<InitPath>("/i\n"), forbidden('\n', 2));
    assert_eq!(refused::<InitPath>("/${x}"), forbidden('$', 1));
    assert_eq!(refused::<InitPath>("/\0"), forbidden('\0', 1));
    assert_eq!(refused::<InitPath>("/größe"), forbidden('ö', 3));
    for path in ["init", "/", "//init", "/a/../b", "/a/./b", "/a/", "init=/x"] {
        assert!(matches!(refused::<InitPath>(path), Malformed { .. }), "{path}");
    }
    let long = "/x".repeat(600);
    assert_eq!(refused::<InitPath>(&long), TooLong { length: 1200, limit: 1024 });
}

#[test]
fn hostile_texts_are_no_digests() {
    fn check<T: Value>() {
        let expected = "64 hexadecimal digits";
        for text in ["", "../", "abc", "*", &"g".repeat(64), &"0".repeat(300), &"é".repeat(32)] {
            assert_eq!(refused::<T>(text), Malformed { expected }, "{text}");
        }
    }
    check::<Sha256Digest>();
    check::<ReleaseId>();
}

#[test]
fn architectures_are_those_of_nix() {
    for architecture in Architecture::ALL {
        round_trip::<Architecture>(architecture.as_str());
        assert_eq!(architecture.nix_system().parse::<Architecture>().unwrap(), architecture);
    }
    for text in ["", "x86_64-darwin", "X86_64", "amd64", "x86_64-linux-linux", "*", "x86_64\n"] {
        let Malformed { expected } = refused::<Architecture>(text) else { panic!("{text}") };
        let named: Vec<&str> = expected.split([',', ' ']).filter(|word| word.len() > 2).collect();
        assert_eq!(named, Architecture::ALL.map(Architecture::as_str), "{text}");
    }
}

/// Readers of files show the message alone, without the hint.
#[test]
fn a_message_tells_the_rule_that_was_broken() {
    fn said<T: Value>(text: &str) -> String {
        text.parse::<T>().unwrap_err().to_string()
    }
    let names = "; it may have lower-case letters, digits, `-` and `_`";
    for said in [
        said::<ProfileName>("Bad"),
        said::<PointerName>("Bad"),
        said::<ServiceName>("Bad"),
        said::<SiteName>("Bad"),
    ] {
        assert!(said.ends_with(&format!("'B' at byte 0 is not allowed{names}")), "{said}");
    }
    for (said, rule) in [
        (
            said::<ProfileName>("-a"),
            "it must not begin or end with '-', but with a letter or digit",
        ),
        (said::<FileName>("a b"), "; it may have letters of ASCII, digits, `.`, `_` and `-`"),
        (said::<FileName>(".a"), "a name must not begin with '.', but with a letter or digit"),
        (
            said::<ReleasePath>("a/b\\c"),
            "; it may have letters of ASCII, digits, `.`, `_`, `-` and `/`",
        ),
        (said::<ReleasePath>("../c"), "a name must not begin with '.', but with a letter or digit"),
        (said::<Title>("a\n"), "; it may have all characters that are no control characters"),
        (said::<KernelParameter>("a b"), "and spaces between double quotes"),
        (said::<InitPath>("/nix/*/init"), "; it may have letters of ASCII, digits and `+-._?=/`"),
        (said::<StorePathDigest>("e"), "lower-case letters except `e`, `o`, `t` and `u`"),
        (said::<ProfileName>("blobs"), "the name is reserved"),
    ] {
        assert!(said.ends_with(rule), "{said}");
    }
}

#[test]
fn a_command_line_is_never_longer_than_a_kernel_takes() {
    let init = InitPath::new("/i").unwrap();
    let [a, b] = ["a", "b"].map(|text| KernelParameter::new(text.repeat(1000)).unwrap());
    let line = KernelCommandLine::new(&init, [&a]).unwrap();
    assert_eq!(line.parameters().collect::<Vec<_>>(), ["init=/i", a.as_str()]);
    let rest = KernelParameter::new("x".repeat(2047 - "init=/i".len() - 2 * 1001 - 1)).unwrap();
    let line = KernelCommandLine::new(&init, [&a, &b, &rest]).unwrap();
    assert_eq!(line.to_string().len(), netboot_core::COMMAND_LINE_LIMIT);
    let one_more = KernelParameter::new(format!("{rest}x")).unwrap();
    let error = KernelCommandLine::new(&init, [&a, &b, &one_more]).unwrap_err();
    let InvalidValue { kind: ValueKind::KernelCommandLine, problem, .. } = error else {
        panic!("{error:?}")
    };
    assert_eq!(problem, TooLong { length: 2048, limit: 2047 });
}
