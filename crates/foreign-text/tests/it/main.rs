//! No text from outside controls a terminal, is endless, or looks like ours.

use foreign_text::{CutMark, ForeignText};
use proptest::prelude::*;

/// Texts of the pieces that attacks are made of.
fn hostile() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        any::<char>().prop_map(String::from),
        "[a-z ]{0,8}",
        prop::sample::select(vec![
            "\u{1b}[31m",
            "\u{1b}]0;",
            "\u{7}",
            "\u{1b}\\",
            "\u{9b}2J",
            "\u{9d}0;x\u{9c}",
            "\u{1b}",
            "\r",
            "\n",
            "\r\n",
            "\t",
            "\u{b}",
            "\u{c}",
            "\u{85}",
            "\u{2028}",
            "\u{2029}",
            "\u{8}",
            "\u{202e}",
            "\u{2066}",
            "\u{200b}",
            "\u{200d}",
            "\u{feff}",
            "\u{61c}",
            "\u{e0041}",
            "\u{ad}",
            "  | ",
            "|",
            "\u{3164}",
            "error: ",
            "\u{1b}P$q",
            "\u{0}",
            "\u{7f}",
            "🦀",
            "é",
        ])
        .prop_map(str::to_owned),
    ];
    (prop::collection::vec(pieces, 0..60), prop::sample::select(vec![1_usize, 1, 1, 90]))
        .prop_map(|(pieces, times)| pieces.concat().repeat(times))
}

fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{61c}' | '\u{ad}' | '\u{3164}' | '\u{e0000}'..='\u{e0fff}')
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn a_text_has_no_control_characters_is_bounded_and_starts_no_line(text in hostile()) {
        let foreign = ForeignText::new(&text);
        let is_bad = |character: char| character.is_control() || is_invisible(character);
        prop_assert!(foreign.len() <= ForeignText::LIMIT);
        prop_assert!(!foreign.chars().any(|character| character != '\n' && is_bad(character)));
        let shown = foreign.to_string();
        prop_assert!(shown.split('\n').skip(1).all(|line| line.starts_with("  | ")));
        // Safe text stays as it is, also through a file.
        prop_assert!(ForeignText::new(foreign.as_str()) == foreign);
        let json = serde_json::to_string(&foreign).unwrap();
        prop_assert!(serde_json::from_str::<ForeignText>(&json).unwrap() == foreign);
        let json = serde_json::to_string(&text).unwrap();
        prop_assert!(serde_json::from_str::<ForeignText>(&json).unwrap() == foreign);

        let shown = ForeignText::shown(&text);
        prop_assert!(shown.len() <= ForeignText::LIMIT && ForeignText::shown(&shown) == shown);

        let line = ForeignText::line(&text);
        prop_assert!(line.len() <= ForeignText::LIMIT && !line.chars().any(is_bad));
        prop_assert!(ForeignText::line(line.as_str()) == line);
    }

    #[test]
    fn plain_text_is_not_changed(text in "[ -~äöü日本]{0,100}") {
        let foreign = ForeignText::new(&text);
        prop_assert_eq!(foreign.as_str(), text.trim_end());
    }
}

#[test]
fn a_cut_is_marked_and_counted() {
    let text = ForeignText::new("x".repeat(300 << 20));
    assert!(text.len() <= ForeignText::LIMIT);
    let kept = text.bytes().take_while(|byte| *byte == b'x').count();
    let cut = (300 << 20) - kept;
    assert!(text.ends_with(&format!("xx … ({cut} more bytes)")), "{}", &text[kept..]);
    // Text that was cut before keeps its count.
    assert_eq!(ForeignText::new(text.as_str()), text);
    let again = ForeignText::new(format!("{}{}", "y".repeat(20_000), CutMark(5)));
    let kept = again.bytes().take_while(|byte| *byte == b'y').count();
    assert!(again.ends_with(&format!("y{}", CutMark(20_005 - u64::try_from(kept).unwrap()))));
}

#[test]
fn a_text_that_was_cut_anywhere_stays_as_it_is() {
    // Each start moves the cut by one byte, through the lines and the margins between them.
    for start in 0..12 {
        for lines in
            ["a\n", "a\n\n", "\n  |\n", "  |   | a\n", "a  |\n |\n", "b … (5 more bytes)\n"]
        {
            let text = format!("{}{}", "x".repeat(start), lines.repeat(9_000));
            let shown = ForeignText::shown(&text);
            assert_eq!(ForeignText::shown(&shown), shown, "{start} {lines:?}");
            let cleaned = ForeignText::new(&text);
            assert_eq!(ForeignText::new(cleaned.as_str()), cleaned, "{start} {lines:?}");
            let line = ForeignText::line(&text);
            assert_eq!(ForeignText::line(line.as_str()), line, "{start} {lines:?}");
        }
    }
}

#[test]
fn an_escape_sequence_that_never_ends_hides_one_line_at_most() {
    assert_eq!(ForeignText::new("a\u{1b}]0;title\nb").as_str(), "a\nb");
    assert_eq!(ForeignText::new("10 %\r100 %\r\n").as_str(), "10 %\n100 %");
    assert_eq!(
        ForeignText::new("\u{1b}[1mbold\u{1b}[0m\tand\u{7} quiet").as_str(),
        "bold and quiet"
    );
}
