//! Generates scripts: commands in every form, with bytes inserted at difficult places.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

type Text = BoxedStrategy<String>;

fn one_of(texts: &'static [&'static str]) -> Text {
    select(texts).prop_map(str::to_owned).boxed()
}

/// The settings that scripts use. Most of them are set in some script.
const NAMES: &[&str] = &["a", "b", "c", "n1", "x-y", "A", "here/a", "there/b", "c", "250"];
const TYPES: &[&str] = &[
    "string",
    "uristring",
    "hex",
    "hexhyp",
    "hexraw",
    "base64",
    "int8",
    "int16",
    "int32",
    "uint8",
    "uint16",
    "uint32",
    "ipv4",
    "uuid",
    "guid",
    "busdevfn",
    "nonsense",
    "",
];
const SPECIAL: &[&str] = &[
    "#", "#x", "-", "--", "-n", "--name", "--name=k", "-x", "||x", "&", "|", "\"q", "'q r'",
    "a\\b", "\\x", "}", "{", "$", "${", "a#b", "%20", "%zz", "%", "ü", "~", "x;y", "`", "*", "!",
    "&&&", ":l1", "<x>",
];
const LABELS: &[&str] = &["l1", "l2", "l3", "L1", "l1#", "missing-label"];

fn plain() -> Text {
    "[a-z0-9]{1,5}".boxed()
}

/// The expansion of a setting, with or without a type.
fn reference() -> Text {
    let typed = (one_of(NAMES), option::weighted(0.4, select(TYPES)));
    typed
        .prop_map(|(name, kind)| kind.map_or(name.clone(), |kind| format!("{name}:{kind}")))
        .boxed()
}

fn expansion() -> Text {
    prop_oneof![
        6 => reference().prop_map(|name| format!("${{{name}}}")),
        1 => reference().prop_map(|name| format!("${{${{{name}}}}}")),
        1 => (plain(), reference()).prop_map(|(text, name)| format!("${{{text}${{{name}}}}}")),
        1 => reference().prop_map(|name| format!("${{{name}")),
        1 => Just("${unset}".to_owned()),
        1 => Just("${}".to_owned()),
    ]
    .boxed()
}

fn word() -> Text {
    let piece = prop_oneof![5 => plain(), 2 => one_of(SPECIAL), 4 => expansion()];
    prop_oneof![
        4 => piece.clone(),
        1 => (piece.clone(), piece.clone()).prop_map(|(a, b)| a + &b),
        1 => (plain(), expansion(), piece).prop_map(|(a, b, c)| a + &b + &c),
    ]
    .boxed()
}

fn words(most: usize) -> Text {
    (vec(word(), 0..=most), one_of(&[" ", "  ", "\t", " \u{b}", "\u{c}"]))
        .prop_map(|(words, space)| words.join(&space))
        .boxed()
}

/// Bytes that a console shows unchanged, as hexadecimal digits.
fn hex(separator: &'static str) -> Text {
    let special = select(b"${}#%|&;- \\\"/:?".as_slice());
    let byte = prop_oneof![2 => special, 3 => b'a'..=b'z', 1 => b'A'..=b'}'];
    vec(byte, 1..8)
        .prop_map(move |bytes| {
            let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            digits.join(separator)
        })
        .boxed()
}

fn escapes() -> Text {
    let piece = prop_oneof![
        3 => plain(),
        3 => one_of(&["%20", "%24%7b", "%7d", "%23", "%7Ca", "%5c", "%26%26", "%c3%bc", "%2", "%zz", "%+41"]),
        1 => expansion(),
    ];
    vec(piece, 1..5).prop_map(|pieces| pieces.concat()).boxed()
}

fn number() -> Text {
    let odd =
        one_of(&["0x1f", "017", "-5", "+5", "09", "x", "5x", "0x", "4294967297", "70000", "-"]);
    prop_oneof![(0_u32..300).prop_map(|number| number.to_string()), odd].boxed()
}

/// `set` with a value that usually has the right type.
fn set() -> Text {
    let typed = prop_oneof![
        3 => (Just(""), words(3)),
        2 => (Just(":uristring"), escapes()),
        2 => (Just(":hexraw"), hex("")),
        1 => (Just(":hex"), hex(":")),
        1 => (Just(":hexhyp"), hex("-")),
        1 => (Just(":base64"), one_of(&["Zm9v", "Zm8=", "Zg==", "Zm9", "JHthfQ==", "Zm 9v", "*"])),
        1 => (Just(":int32"), number()),
        1 => (Just(":int8"), number()),
        1 => (Just(":uint16"), number()),
        1 => (Just(":ipv4"), one_of(&["10.1.2.3", "0x41.0102.67.68", "1.2.3", "1.2.3.256"])),
        1 => (Just(":uuid"), Just("41424344-4546-4748-494a-4b4c4d4e4f50".to_owned())),
        1 => (Just(":nonsense"), plain()),
    ];
    (one_of(NAMES), typed)
        .prop_map(|(name, (kind, value))| format!("set {name}{kind} {value}"))
        .boxed()
}

fn uri() -> Text {
    let piece = prop_oneof![
        5 => plain(),
        2 => expansion(),
        2 => one_of(&["/", "../", "./", "?", "#", "%20", "%41", "%2f", "%26", "&", "+", ";", ":", "ü", "."]),
        1 => one_of(&["missing", "empty", "@", "~", "|", "{x}", "a b"]),
    ];
    vec(piece, 1..5).prop_map(|pieces| pieces.concat()).boxed()
}

fn options() -> Text {
    let option = prop_oneof![
        3 => one_of(&["--name k", "-n k", "-nk", "--name=k", "--autofree", "-a", "-an k", "--"]),
        1 => one_of(&["--timeout 60000", "-t x", "--nam k", "-x", "--help", "-", "--name", "--name="]),
        1 => word().prop_map(|word| format!("--name {word}")),
        1 => word().prop_map(|word| format!("--name={word}")),
    ];
    vec(option, 0..3).prop_map(|options| options.join(" ")).boxed()
}

fn image_command() -> Text {
    let verb = one_of(&["imgfetch", "initrd", "module", "kernel", "imgselect", "imgargs"]);
    let image = prop_oneof![4 => uri(), 1 => one_of(&["k", "a", "${unset}"])];
    (verb, options(), image, words(4))
        .prop_map(|(verb, options, image, words)| format!("{verb} {options} {image} {words}"))
        .boxed()
}

fn command() -> Text {
    let script = one_of(&[
        "good.ipxe",
        "bad.ipxe",
        "exit.ipxe",
        "exit-3.ipxe",
        "d/fetch.ipxe",
        "set.ipxe",
        "kernel.ipxe",
        "goto.ipxe",
        "d/nested.ipxe",
        "missing.ipxe",
        "empty",
    ]);
    let chain = one_of(&["chain", "chain --autofree", "chain --replace", "imgexec --name s"]);
    prop_oneof![
        6 => set(),
        1 => one_of(NAMES).prop_map(|name| format!("clear {name}")),
        2 => (one_of(NAMES), option::of(number())).prop_map(|(name, number)| {
            format!("inc {name} {}", number.unwrap_or_default())
        }),
        2 => words(2).prop_map(|words| format!("isset {words}")),
        2 => (word(), words(2)).prop_map(|(word, words)| format!("iseq {word} {words}")),
        3 => words(6).prop_map(|words| format!("echo = {words}")),
        8 => image_command(),
        1 => words(2).prop_map(|words| format!("imgfree {words}")),
        1 => words(1).prop_map(|words| format!("imgstat {words}")),
        2 => (chain, script, words(1)).prop_map(|(c, s, w)| format!("{c} {s} {w}")),
        1 => Just("boot".to_owned()),
        2 => (one_of(LABELS), option::weighted(0.2, expansion())).prop_map(|(label, more)| {
            format!("goto {label}{}", more.unwrap_or_default())
        }),
        1 => option::of(number()).prop_map(|status| format!("exit {}", status.unwrap_or_default())),
        1 => one_of(NAMES).prop_map(|name| format!("show {name}")),
        1 => one_of(&["fail", "sleep 0", "", "IMGFETCH a", "set", "goto", "isset", "${a} ${b}"]),
    ]
    .boxed()
}

fn line() -> Text {
    let separator = one_of(&[" && ", " || ", " ; ", " &&", "||", "\t||\t"]);
    let more = vec((separator, command()), 0..3);
    let label = option::weighted(0.15, one_of(LABELS));
    let tail = prop_oneof![
        6 => Just(" ||"), 2 => Just(""), 1 => Just(" # comment || x"), 1 => Just(" #"),
    ];
    let end =
        prop_oneof![12 => Just("\n"), 1 => Just("\r\n"), 1 => Just(" \\\n"), 1 => Just("\\\n")];
    (label, command(), more, tail, end)
        .prop_map(|(label, first, more, tail, end)| {
            let label = label.map_or(String::new(), |label| format!(":{label} "));
            let more: String =
                more.into_iter().map(|(separator, next)| separator + &next).collect();
            format!("{label}{first}{more}{tail}{end}")
        })
        .boxed()
}

/// A whole script. Its magic is always valid, and some bytes may be inserted after it.
pub(crate) fn script() -> BoxedStrategy<Vec<u8>> {
    let bytes = b"\\\n\r#${}  \0;&|:-/\t\"%\x0b\xc3\xff".as_slice();
    let insertions = prop_oneof![
        2 => Just(Vec::new()),
        1 => vec((any::<prop::sample::Index>(), select(bytes)), 1..6),
    ];
    (vec(line(), 1..12), insertions)
        .prop_map(|(lines, insertions)| {
            let mut script = lines.concat().into_bytes();
            for (index, byte) in insertions {
                let position = index.index(script.len() + 1);
                script.insert(position, byte);
            }
            [b"#!ipxe\n".as_slice(), &script].concat()
        })
        .boxed()
}
