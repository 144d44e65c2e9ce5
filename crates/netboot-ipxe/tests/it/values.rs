//! The types of values in scripts accept exactly the texts that iPXE reads as they were typed.

use ipxe_script::{Script, Token, lexical};
use netboot_ipxe::MenuText;
use proptest::prelude::*;

fn text() -> impl Strategy<Value = String> {
    let pieces = vec![
        "${", "}", "#", " ", "&&", "||", ";", "\\", "\n", "\r", "\t", "-", "\"", "$", "{", "\0",
        ":", "=", "a", "bc", "ü", "\u{1b}", "&", "|",
    ];
    let piece = prop_oneof![
        8 => prop::sample::select(pieces).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

/// Returns true if iPXE reads `before text` as one command with the words of `text`, and the next
/// line as another command.
fn stays(before: &str, text: &str) -> bool {
    let script = Script::parse(format!("#!ipxe\n{before} {text}\nnext\n"));
    let [_, line, next] = script.lines() else { return false };
    let [command] = line.commands() else { return false };
    let words = command.tokens().get(before.split(' ').count()..).unwrap_or_default();
    let read: Vec<&[u8]> = words.iter().map(Token::bytes).collect();
    let next = next.commands()[0].name().unwrap();
    read.join(&b' ') == text.as_bytes()
        && line.comment().is_none()
        && line.cut().is_none()
        && next.bytes() == b"next"
}

/// Returns true unless the types refuse the text for another reason: it cannot be shown, or depends
/// on the text after it.
fn is_plain(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_graphic() || b == b' ')
        && !text.contains("${")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn kernel_parameters_stay(text in text()) {
        let expected = is_plain(&text) && stays("kernel --name k url", &text);
        prop_assert_eq!(lexical::check(&text).is_ok(), expected, "{:?}", text);
    }

    #[test]
    fn menu_texts_stay(text in text()) {
        let expected = is_plain(&text) && !text.starts_with('-') && stays("item name", &text);
        prop_assert_eq!(MenuText::new(&text).is_ok(), expected, "{:?}", text);
    }
}
