//! Reading scripts: every text can be read, every part has its place, and expansion ends.

use ipxe_script::commands::{ArgumentProblem, CommandSyntax};
use ipxe_script::settings::{Dialect, Settings};
use ipxe_script::{
    Command, LogicalLine, MagicProblem, Part, Script, Separator, SettingReference, Span, Version,
};
use proptest::prelude::*;

use crate::evaluator::Evaluator;
use crate::evaluator::prediction::{Ending, Fetch, Resource};

/// Bytes that contain everything with a meaning for iPXE.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let pieces: Vec<&[u8]> = vec![
        b"\\\n",
        b"\\\r\n",
        b"\n",
        b"\r\n",
        b"\r",
        b"\0",
        b"#",
        b" #",
        b" ",
        b"\t",
        b"\x0b",
        b"${",
        b"}",
        b"${a}",
        b"${a:hexraw}",
        b"$",
        b"{",
        b":",
        b"\n:l",
        b"||",
        b" || ",
        b" && ",
        b" ; ",
        b"\\",
        b"-",
        b" --name ",
        b"\nset a ",
        b"\nset b:uristring %24%7ba%7d",
        b"\ngoto l",
        b"\nimgfetch ",
        b"\nkernel ",
        b"\necho ",
        b"\nchain ",
        b"\xff",
        b"\xc3\xa4",
        b"#!ipxe\n",
        b"\ninc a ",
        b"/",
        b"?",
        b"%",
        b"%zz",
        b"../",
    ];
    let piece = prop_oneof![
        4 => prop::sample::select(pieces).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..4),
        1 => "[a-z]{1,3}".prop_map(String::into_bytes),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// The text of a span, without continuations.
fn joined(script: &Script, span: Span) -> Vec<u8> {
    let text = &script.source()[span.range()];
    let mut kept: Vec<u8> = Vec::new();
    for (number, part) in text.split(|byte| *byte == b'\n').enumerate() {
        if number > 0 {
            if kept.last() == Some(&b'\r') {
                kept.pop();
            }
            assert_eq!(kept.pop(), Some(b'\\'));
        }
        kept.extend(part);
    }
    kept
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn lines_are_the_whole_text(source in hostile()) {
        let script = Script::parse(&source);
        let mut end = 0;
        for line in script.lines() {
            prop_assert_eq!(line.span().start, end);
            end = line.span().end;
            prop_assert!(!line.span().is_empty());
            prop_assert_eq!(line.commands().is_empty(), false);
            for join in line.joins() {
                prop_assert_eq!(source[*join], b'\\');
            }
        }
        prop_assert_eq!(end, source.len());
    }

    #[test]
    fn words_stand_where_their_spans_say(source in hostile()) {
        let script = Script::parse(&source);
        for line in script.lines() {
            let mut end = line.span().start;
            if let Some(label) = line.label() {
                prop_assert_eq!(joined(&script, label.span()), [b":", label.name()].concat());
                end = label.span().end;
            }
            for command in line.commands() {
                if let (Some(separator), Some(span)) = (command.separator(), command.separator_span()) {
                    prop_assert_eq!(joined(&script, span), separator.to_string().into_bytes());
                    prop_assert!(span.start >= end);
                    end = span.end;
                }
                for word in command.tokens() {
                    prop_assert!(word.span().start >= end);
                    end = word.span().end;
                    prop_assert_eq!(joined(&script, word.span()), word.bytes());
                    prop_assert!(Separator::of_word(word.bytes()).is_none());
                    prop_assert!(!word.bytes().starts_with(b"#"));
                }
            }
            if let Some(comment) = line.comment() {
                prop_assert!(comment.start >= end);
                prop_assert_eq!(source[comment.start], b'#');
                end = comment.end;
            }
            if let Some(cut) = line.cut() {
                prop_assert!(cut.start >= end);
                prop_assert_eq!(source[cut.start], 0);
                end = cut.end;
            }
            prop_assert!(line.span().end >= end);
        }
    }

    #[test]
    fn parts_are_the_whole_word(word in hostile()) {
        let word: Vec<u8> = word.into_iter().filter(|byte| !b" \t\x0b\x0c\r\n\0".contains(byte)).collect();
        let script = Script::parse([b"#!ipxe\necho x", word.as_slice()].concat());
        let Some(token) = script.lines()[1].commands()[0].arguments().first() else { return Ok(()) };
        let mut whole = Vec::new();
        for part in token.parts() {
            match part {
                Part::Literal(text) => whole.extend_from_slice(text),
                Part::Expansion(expansion) => {
                    prop_assert_eq!(expansion.offset, whole.len());
                    whole.extend([b"${", expansion.name, b"}"].concat());
                    prop_assert_eq!(expansion.end(), whole.len());
                }
                other => panic!("{other:?}"),
            }
        }
        prop_assert_eq!(&whole, token.bytes());
        let literal = token.expansions().is_empty();
        prop_assert_eq!(token.is_literal(), literal);
        if literal {
            let expanded = Settings::new(Dialect::bios(Version::V2_0)).expand(token.bytes());
            prop_assert_eq!(expanded.unwrap(), token.bytes());
        }
    }

    #[test]
    fn predictions_end(body in hostile(), efi in any::<bool>()) {
        let script = Script::parse([b"#!ipxe\n", body.as_slice()].concat());
        let build = if efi { Dialect::efi(Version::V2_0) } else { Dialect::bios(Version::V2019) };
        let evaluator = Evaluator::new(build).with_location("http://boot/a/b").with_step_limit(100);
        let serve = |_: &Fetch| Resource::File(b"#!ipxe\nimgfetch x ||\n".to_vec());
        let prediction = evaluator.predict(&script, serve);
        prop_assert_eq!(&evaluator.predict(&script, serve), &prediction);
        prop_assert!(prediction.fetches.iter().all(|fetch| !fetch.target.is_empty()));
    }
}

#[test]
fn the_magic_is_told_apart_from_what_looks_like_it() {
    let problem = |text: &str| Script::parse(text).magic().err();
    assert_eq!(problem("#!ipxe\n"), None);
    assert_eq!(problem("#!gpxe "), None);
    assert_eq!(problem("#!ipxe"), Some(MagicProblem::EndOfText));
    assert_eq!(problem("#!ipxe2\n"), Some(MagicProblem::NoSpace));
    assert_eq!(problem("\n#!ipxe\n"), Some(MagicProblem::LeadingSpace));
    assert_eq!(problem("#!iPXE\n"), Some(MagicProblem::Case));
    assert_eq!(problem("\u{feff}#!ipxe\n"), Some(MagicProblem::ByteOrderMark));
    assert_eq!(problem("<html>"), Some(MagicProblem::Missing));
    assert_eq!(problem(""), Some(MagicProblem::Missing));
}

#[test]
fn a_bios_runs_what_is_no_script() {
    let ending = |build, text: &str| {
        Evaluator::new(build).predict(&Script::parse(text), |_| Resource::Missing).ending
    };
    let bios = ending(Dialect::bios(Version::V2_0), "<html>404</html>");
    assert!(matches!(bios, Ending::Boots { .. }), "{bios:?}");
    assert_eq!(ending(Dialect::efi(Version::V2_0), "<html>404</html>"), Ending::Failure);
    assert_eq!(ending(Dialect::bios(Version::V2_0), &"x".repeat(700_000)), Ending::Failure);
}

#[test]
fn places_are_counted_in_lines_and_bytes() {
    let script = Script::parse("#!ipxe\r\n  echo \\\n  ä b || x\n:l y");
    let words: Vec<(String, String)> = script.lines()[1..]
        .iter()
        .flat_map(LogicalLine::commands)
        .flat_map(Command::tokens)
        .map(|word| (word.text().into_owned(), script.position(word.span().start).to_string()))
        .collect();
    let expected = [("echo", "2:3"), ("ä", "3:3"), ("b", "3:6"), ("x", "3:11"), ("y", "4:4")];
    let expected = expected.map(|(word, place)| (word.to_owned(), place.to_owned()));
    assert_eq!(words, expected);
    let labels: Vec<_> = script.labels().map(|(label, line)| (label.text(), line)).collect();
    assert_eq!(labels, [("l".into(), 2)]);
    assert_eq!(script.excerpt(script.lines()[1].span()), "  echo \\\n  ä b || x\n");
}

#[test]
fn a_reference_has_a_scope_a_name_and_a_type() {
    let reference = |text: &str| {
        let SettingReference { scope, name, setting_type, .. } = SettingReference::parse(text);
        let text = |bytes: Box<[u8]>| String::from_utf8(bytes.into()).unwrap();
        (scope.map(text), text(name), setting_type.map(text))
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(reference("net0/mac:hexhyp"), (some("net0"), "mac".to_owned(), some("hexhyp")));
    assert_eq!(reference("a:b/c"), (some("a:b"), "c".to_owned(), None));
    assert_eq!(reference("a/b:c:d"), (some("a"), "b".to_owned(), some("c:d")));
    assert_eq!(reference(""), (None, String::new(), None));
}

#[test]
fn options_are_looked_for_up_to_the_first_argument() {
    let kernel = CommandSyntax::find(b"kernel", Version::V2019).unwrap();
    let words: [&[u8]; 6] = [b"-an", b"k", b"--timeout=5", b"url", b"--name", b"x"];
    let arguments = kernel.parse(&words, Version::V2019).unwrap();
    assert_eq!(arguments.value("name"), Some(b"k".as_slice()));
    assert_eq!(arguments.option_words, 3);
    assert_eq!(arguments.positional, words[3..]);
    let problem = |words: &[&'static [u8]]| kernel.parse(words, Version::V2019).unwrap_err();
    assert_eq!(problem(&[]), ArgumentProblem::TooFew { arguments: 0, minimum: 1 });
    assert_eq!(problem(&[b"-n", b"-k"]), ArgumentProblem::MissingValue { option: "name" });
    assert_eq!(problem(&[b"--nam"]), ArgumentProblem::UnknownOption { word: b"--nam".to_vec() });
    assert!(CommandSyntax::find(b"shim", Version::V2019).is_none());
}

#[test]
fn commands_are_in_the_order_of_their_names() {
    let names: Vec<&str> = CommandSyntax::all(Version::V2_0).map(|command| command.name).collect();
    assert!(names.is_sorted(), "{names:?}");
}

#[test]
fn words_of_comments_count_too() {
    let script = Script::parse(format!("#!ipxe\n:l a || b # {}", "x ".repeat(600)));
    assert_eq!(script.lines()[1].word_count(), 604);
}

#[test]
fn a_word_that_never_ends_is_told() {
    let mut settings = Settings::new(Dialect::bios(Version::V2_0));
    settings.set("a:uristring", "x%24%7ba:string%7d").unwrap();
    assert!(settings.expand("${a:string}").is_err());
    assert!(settings.expand("${a}").is_ok());
}

#[test]
fn deep_nesting_is_no_recursion() {
    let (open, close) = ("${".repeat(50_000), "}".repeat(50_000));
    let script = Script::parse(format!("#!ipxe\necho {open}a{close} {open}"));
    let words = script.lines()[1].commands()[0].tokens();
    assert_eq!(words[1].expansions().len(), 50_000);
    assert_eq!(words[1].parts().len(), 1);
    assert!(words[2].is_literal());
}
