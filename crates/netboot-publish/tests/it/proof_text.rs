//! The output of a machine's console reaches an operator's terminal only as plain text.

use netboot_publish::{FailedProof, Proof};

const CONSOLE: &str = "\x1b[2J\x1b]0;title\x07\x1b[1;31mKernel\tpanic\x1b[0m\r\n\
                       \x1b[?25l\u{9b}31mnot\x08 syncing\x1bP$q\x1b\\\r\n\r\n\x1b[5n";

#[test]
fn a_failure_has_no_escape_sequence_of_a_console() {
    let failed = FailedProof::new("it \x1b[31mpanicked\x1b[0m", CONSOLE);
    assert_eq!(failed.problem, "it panicked");
    assert_eq!(failed.last_lines[0], "Kernel panic");
    let shown = failed.to_string();
    assert!(shown.contains("syncing"), "{shown:?}");
    assert!(shown.lines().all(|line| !line.chars().any(char::is_control)), "{shown:?}");
}

#[test]
fn a_proof_has_no_escape_sequence_of_a_console() {
    let proof = Proof::new("came\x1b[K up", CONSOLE);
    assert_eq!(proof.summary, "came up");
    let is_text = |character: char| character == '\n' || !character.is_control();
    assert!(proof.console.chars().all(is_text), "{proof:?}");
}
