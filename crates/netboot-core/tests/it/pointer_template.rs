//! The template of a pointer's text.

use netboot_core::layout::{GENERATED_MARK, HISTORY_PREFIX};
use netboot_core::{
    InvalidValue, PointerTemplate, RELEASE_ID_PLACEHOLDER, ReleaseId, SHORT_RELEASE_ID_PLACEHOLDER,
    Sha256Digest, TextProblem, ValueKind,
};

#[test]
fn both_placeholders_are_replaced_everywhere() {
    let template = PointerTemplate::new(format!(
        "{GENERATED_MARK}\necho {SHORT_RELEASE_ID_PLACEHOLDER}\n\
         a {RELEASE_ID_PLACEHOLDER} {RELEASE_ID_PLACEHOLDER}\n"
    ));
    let id = ReleaseId::from(Sha256Digest::of(b"a"));
    let short = id.short();
    let expected = format!("{GENERATED_MARK}\necho {short}\na {id} {id}\n");
    assert_eq!(template.unwrap().text(&id), expected);
}

#[test]
fn what_is_no_template_of_a_pointer_is_refused() {
    let id = RELEASE_ID_PLACEHOLDER;
    let mark = GENERATED_MARK;
    for (text, expected) in [
        (format!("{mark}\nchain {SHORT_RELEASE_ID_PLACEHOLDER}\n"), "placeholder"),
        (format!("chain {id}\n"), "comment"),
        (format!("{mark}\nchain {id}\n{HISTORY_PREFIX}activated 1 {id}\n"), "no line"),
        (format!("{HISTORY_PREFIX}\n{mark}\nchain {id}\n"), "no line"),
        (format!("{mark}\nchain {id}"), "line feed"),
        (format!("{mark}\nchain {id}\\\n"), "line feed"),
    ] {
        let InvalidValue { kind, problem, .. } = PointerTemplate::new(text).unwrap_err();
        assert_eq!(kind, ValueKind::PointerTemplate);
        let TextProblem::Malformed { expected: found } = problem else { panic!("{problem:?}") };
        assert!(found.contains(expected), "{found} instead of {expected}");
    }
    let long = format!("{mark}\nchain {id} {}\n", "x".repeat(16 * 1024));
    let error = PointerTemplate::new(long).unwrap_err();
    assert!(matches!(error.problem, TextProblem::TooLong { .. }), "{error:?}");
    for control in ['\r', '\0', '\u{1b}', '\u{85}'] {
        let error = PointerTemplate::new(format!("{mark}\nchain {id}{control}\n")).unwrap_err();
        assert!(matches!(error.problem, TextProblem::ForbiddenCharacter { .. }), "{error:?}");
    }
    assert_eq!(PointerTemplate::new("").unwrap_err().problem, TextProblem::Empty);
}
