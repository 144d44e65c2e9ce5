//! The text of a pointer, the only object that changes: a script, then its history, its counter and
//! its name as comments, then its signatures as comments.
//!
//! The signatures are inside the pointer, and not in a file beside it like a manifest's, because
//! machines and publishers would see a new pointer with an old signature between two writes. They
//! cover every byte before the first of them. To check a pointer by hand:
//! ```text
//! sed '/^# netboot signature /,$d' current.ipxe > pointer
//! sed -n 's/^# netboot signature //p' current.ipxe > pointer.minisig
//! minisign -V -p release.pub -m pointer
//! ```

pub(crate) mod activation;
pub(crate) mod loss;
pub(crate) mod problem;
pub(crate) mod stamp;
pub(crate) mod trust;

use std::fmt::Write as _;

use bytes::Bytes;
use netboot_core::ReleaseId;
use netboot_core::layout::{GENERATED_MARK, HISTORY_PREFIX};

use crate::pointer::activation::{Activation, ActivationKind};
use crate::pointer::problem::PointerProblem;
use crate::pointer::stamp::Stamp;

/// The number of history entries that a pointer keeps, however old they are.
const HISTORY_LENGTH: usize = 50;

/// The time, in seconds, for which a pointer keeps more entries than that. They tell pruning which
/// releases were live within its grace time, even if a service publishes every few minutes.
const HISTORY_TIME: u64 = 24 * 60 * 60;

/// The maximum number of entries: 50 kB, which every machine fetches.
const HISTORY_LIMIT: usize = 500;

/// The start of a line of a signature, after the prefix.
const SIGNATURE: &str = "signature ";

/// The meaning of the bytes in a pointer's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PointerContent {
    /// A script that netboot wrote, with its history.
    Pointer(Pointer),
    /// A script with netboot's mark, but without a history that can be understood.
    Malformed {
        /// Why, as a clause.
        problem: String,
        /// True if there is no history at all, as in an entry point.
        without_history: bool,
    },
    /// A pointer that cannot be trusted. Nothing of it may be used.
    Untrusted {
        /// The pointer.
        pointer: Pointer,
        /// Why.
        problem: PointerProblem,
    },
    /// A file that netboot did not write.
    Foreign,
}

/// A pointer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pointer {
    /// The live release's script.
    pub(crate) script: Bytes,
    /// The activations, newest first and never empty.
    pub(crate) history: Vec<Activation>,
    /// The counter and the name. Earlier versions of netboot did not write them.
    pub(crate) stamp: Option<Stamp>,
    /// The signatures in minisign's format, one after another; empty if there is none.
    pub(crate) signatures: String,
}

impl Pointer {
    /// Makes the pointer that adds `activation` to `history`. Fails with a clause that says why
    /// `script` cannot be the script of a pointer.
    pub(crate) fn new(
        script: &Bytes,
        activation: Activation,
        history: &[Activation],
    ) -> Result<Self, String> {
        if !is_generated(script) {
            return Err(format!("its script lacks the line `{GENERATED_MARK}`"));
        }
        if lines(script).any(|(_, line)| line.starts_with(HISTORY_PREFIX.as_bytes())) {
            return Err("its script has a line that publishers write".to_owned());
        }
        let mut script = script.clone();
        if !script.ends_with(b"\n") {
            script = [&script[..], b"\n"].concat().into();
        }
        let young =
            |older: &Activation| older.seconds.saturating_add(HISTORY_TIME) >= activation.seconds;
        let kept = |(position, older): &(usize, &Activation)| {
            *position < HISTORY_LENGTH - 1 || young(older)
        };
        let older = history.iter().take(HISTORY_LIMIT - 1).enumerate().take_while(kept);
        let older: Vec<Activation> = older.map(|(_, older)| older.clone()).collect();
        let history = std::iter::once(activation).chain(older).collect();
        Ok(Self { script, history, stamp: None, signatures: String::new() })
    }

    pub(crate) fn parse(bytes: &Bytes) -> PointerContent {
        if !is_generated(bytes) {
            return PointerContent::Foreign;
        }
        let Some((start, _)) =
            lines(bytes).find(|(_, line)| line.starts_with(HISTORY_PREFIX.as_bytes()))
        else {
            let problem = "it has no history".to_owned();
            return PointerContent::Malformed { problem, without_history: true };
        };
        Self::parse_after(bytes.slice(..start), &bytes[start..])
            .unwrap_or_else(|problem| PointerContent::Malformed { problem, without_history: false })
    }

    /// Reads the lines after the script. Fails with a clause that says why they cannot be read.
    fn parse_after(script: Bytes, bytes: &[u8]) -> Result<PointerContent, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "its history is not text".to_owned())?;
        let unreadable = |line: &str| {
            let line: String = line.chars().take(80).collect();
            format!("its history has the unreadable line {line:?}")
        };
        let line = |line| str::strip_prefix(line, HISTORY_PREFIX).ok_or_else(|| unreadable(line));
        let words: Vec<&str> = text.lines().map(line).collect::<Result<_, _>>()?;
        let history: Vec<Activation> =
            words.iter().map_while(|line| Activation::parse(line)).collect();
        let mut rest = &words[history.len()..];
        let stamp = Stamp::take(&mut rest);
        let mut signatures = String::new();
        for line in rest {
            // In an iPXE script, a backslash could join lines.
            let is_plain = line.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'\\');
            match line.strip_prefix(SIGNATURE) {
                Some(line) if is_plain && stamp.is_some() => {
                    signatures.push_str(line);
                    signatures.push('\n');
                }
                _ => return Err(unreadable(line)),
            }
        }
        let pointer = Self { script, history, stamp, signatures };
        if pointer.history.is_empty() {
            return Err("it has no activation".to_owned());
        }
        // Numbers have several forms, and a signature must cover exactly one text.
        if !pointer.to_bytes().ends_with(bytes) {
            return Err("it is not in the form that netboot writes".to_owned());
        }
        Ok(PointerContent::Pointer(pointer))
    }

    /// The bytes that signatures cover: everything before the first signature.
    pub(crate) fn signed_bytes(&self) -> Bytes {
        let mut text = String::new();
        for activation in &self.history {
            let _ = writeln!(text, "{HISTORY_PREFIX}{activation}");
        }
        if let Some(stamp) = &self.stamp {
            stamp.write(&mut text);
        }
        [&self.script[..], text.as_bytes()].concat().into()
    }

    pub(crate) fn to_bytes(&self) -> Bytes {
        let mut signatures = String::new();
        for line in self.signatures.lines() {
            let _ = writeln!(signatures, "{HISTORY_PREFIX}{SIGNATURE}{line}");
        }
        [&self.signed_bytes()[..], signatures.as_bytes()].concat().into()
    }

    /// The counter.
    pub(crate) fn counter(&self) -> Option<u64> {
        self.stamp.as_ref().map(|stamp| stamp.counter)
    }

    /// The live release.
    pub(crate) fn live(&self) -> Option<ReleaseId> {
        self.history.first().map(|activation| activation.release)
    }

    /// The release that a rollback makes live: the release that was live before the live one. A
    /// release that was rolled back counts as if it had never been live.
    pub(crate) fn previous(&self) -> Option<ReleaseId> {
        let mut live: Vec<ReleaseId> = Vec::new();
        for activation in self.history.iter().rev() {
            let known = live.iter().rposition(|release| *release == activation.release);
            match (activation.kind, known) {
                (ActivationKind::RolledBack, Some(position)) => live.truncate(position + 1),
                _ => live.push(activation.release),
            }
        }
        live.pop();
        live.pop()
    }
}

/// Returns true if a file has the mark of netboot's files.
fn is_generated(bytes: &[u8]) -> bool {
    let mark = GENERATED_MARK.as_bytes();
    bytes.windows(mark.len()).any(|window| window == mark)
}

/// Returns the lines of a file without their ends, each with the position of its first byte.
fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut start = 0;
    bytes.split_inclusive(|byte| *byte == b'\n').map(move |line| {
        let position = start;
        start += line.len();
        (position, line.strip_suffix(b"\n").unwrap_or(line))
    })
}

#[cfg(test)]
mod tests {
    use netboot_core::Sha256Digest;
    use proptest::prelude::*;

    use super::*;

    fn id(name: &str) -> ReleaseId {
        Sha256Digest::of(name.as_bytes()).into()
    }

    fn plain(script: Bytes, history: Vec<Activation>) -> Pointer {
        Pointer { script, history, stamp: None, signatures: String::new() }
    }

    fn history(text: &str) -> Vec<Activation> {
        // The oldest comes first: `A` activates A, `a` rolls back to A.
        let activation = |name: char| Activation {
            kind: if name.is_uppercase() {
                ActivationKind::Activated
            } else {
                ActivationKind::RolledBack
            },
            seconds: 1,
            release: id(&name.to_uppercase().to_string()),
        };
        text.chars().rev().map(activation).collect()
    }

    #[test]
    fn a_rollback_walks_back_through_what_was_live() {
        for (text, previous) in [
            ("A", None),
            ("AB", Some("A")),
            ("ABC", Some("B")),
            ("ABCb", Some("A")),
            ("ABCba", None),
            ("ABCbD", Some("B")),
            ("ABCac", Some("A")),
            ("ABA", Some("B")),
            ("ABAb", Some("A")),
            ("b", None),
        ] {
            let pointer = plain(Bytes::new(), history(text));
            assert_eq!(pointer.previous(), previous.map(id), "{text}");
        }
    }

    #[test]
    fn a_script_without_the_mark_or_with_history_is_refused() {
        let activation = history("A").remove(0);
        let make = |script: &'static str| {
            Pointer::new(&Bytes::from_static(script.as_bytes()), activation.clone(), &[])
        };
        assert!(make("#!ipxe\n# Generated by netboot\nexit\n").is_ok());
        assert!(make("#!ipxe\nexit\n").is_err());
        assert!(make("#!ipxe\n# Generated by netboot\n# netboot activated 1 x\n").is_err());
    }

    #[test]
    fn the_history_is_capped_and_holds_a_day() {
        let after = |interval: u64, count: u64| {
            let mut pointer = plain(Bytes::new(), Vec::new());
            let script = Bytes::from_static(b"# Generated by netboot\n");
            for seconds in (0..count).map(|n| n * interval) {
                let activation =
                    Activation { kind: ActivationKind::Activated, seconds, release: id("A") };
                pointer = Pointer::new(&script, activation, &pointer.history).unwrap();
            }
            assert_eq!(pointer.history[0].seconds, (count - 1) * interval);
            pointer.history.len()
        };
        // Publishing daily, every ten minutes, every second.
        assert_eq!(after(24 * 60 * 60, 60), HISTORY_LENGTH);
        assert_eq!(after(10 * 60, 1000), 24 * 6 + 1);
        assert_eq!(after(1, 1000), HISTORY_LIMIT);
    }

    fn activations() -> impl Strategy<Value = Vec<Activation>> {
        let activation = (any::<bool>(), any::<u64>(), any::<[u8; 32]>()).prop_map(
            |(rolled_back, seconds, digest)| Activation {
                kind: if rolled_back {
                    ActivationKind::RolledBack
                } else {
                    ActivationKind::Activated
                },
                seconds,
                release: Sha256Digest::from_bytes(digest).to_string().parse().unwrap(),
            },
        );
        prop::collection::vec(activation, 1..HISTORY_LIMIT)
    }

    #[test]
    fn only_one_form_of_a_text_is_a_pointer() {
        let (release, mark) = (id("A"), GENERATED_MARK);
        let parse = |lines: &str| {
            let text = format!("#!ipxe\n{mark}\n# netboot activated 1 {release}\n{lines}");
            Pointer::parse(&text.into())
        };
        let stamp = "# netboot counter 7\n# netboot name current\n";
        let signed = format!("{stamp}# netboot signature x\n");
        for sound in ["", stamp, &format!("{stamp}# netboot best-before 9\n"), &signed] {
            assert!(matches!(parse(sound), PointerContent::Pointer(_)), "{sound}");
        }
        for wrong in [
            "# netboot counter 7\n",
            "# netboot name current\n# netboot counter 7\n",
            "# netboot counter 07\n# netboot name current\n",
            "# netboot counter +7\n# netboot name current\n",
            "# netboot counter -7\n# netboot name current\n",
            "# netboot counter 9223372036854775808\n# netboot name current\n",
            "# netboot counter 7\n# netboot name ../current\n",
            "# netboot counter 7\n# netboot name current",
            "# netboot counter 7\r\n# netboot name current\n",
            "# netboot signature x\n",
            &format!("{stamp}{stamp}"),
            &format!("{stamp}# netboot best-before 09\n"),
            &format!("{signed}echo unsigned\n"),
            &format!("{signed}\n"),
            &format!("{signed}{stamp}"),
            &format!("{signed}# netboot activated 1 {release}\n"),
            &format!("{stamp}# netboot signature x\\\n"),
            &format!("{stamp}# netboot signature \u{e9}\n"),
        ] {
            assert!(matches!(parse(wrong), PointerContent::Malformed { .. }), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_pointer_is_read_as_it_was_written(
            text in "[ -~\n]{0,200}",
            mut history in activations(),
            stamp in prop::option::of((0..=u64::MAX / 2, prop::option::of(any::<u64>()))),
            signatures in "([0-9A-Za-z:+/=]([ 0-9A-Za-z:+/=]{0,60})\n){0,4}",
        ) {
            let script = Bytes::from(format!("#!ipxe\n{GENERATED_MARK}\n{text}"));
            let newest = history.remove(0);
            let mut pointer = Pointer::new(&script, newest, &history).unwrap();
            if let Some((counter, best_before)) = stamp {
                let name = "canary".parse().unwrap();
                pointer.stamp = Some(Stamp { counter, name, best_before });
                pointer.signatures = signatures;
            }
            prop_assert!(pointer.script.starts_with(&script));
            prop_assert_eq!(
                Pointer::parse(&pointer.to_bytes()),
                PointerContent::Pointer(pointer.clone())
            );
            prop_assert!(pointer.live().is_some());
        }

        #[test]
        fn garbage_is_told_from_a_pointer(bytes in any::<Vec<u8>>(), marked in any::<bool>()) {
            let mark = if marked { GENERATED_MARK } else { "" };
            let bytes = Bytes::from([mark.as_bytes(), b"\n# netboot ", &bytes].concat());
            let parsed = Pointer::parse(&bytes);
            prop_assert!(!matches!(parsed, PointerContent::Pointer(_)));
            prop_assert_eq!(matches!(parsed, PointerContent::Malformed { .. }), marked);
        }

        #[test]
        fn a_damaged_pointer_never_panics(
            history in activations(),
            position in any::<prop::sample::Index>(),
            byte in any::<u8>(),
        ) {
            let script = Bytes::from(format!("{GENERATED_MARK}\n"));
            let pointer = plain(script, history);
            let mut bytes = pointer.to_bytes().to_vec();
            let position = position.index(bytes.len());
            bytes[position] = byte;
            if let PointerContent::Pointer(pointer) = Pointer::parse(&bytes.into()) {
                let _ = (pointer.live(), pointer.previous(), pointer.history[0].at());
            }
        }
    }
}
