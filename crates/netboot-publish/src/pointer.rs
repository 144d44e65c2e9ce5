//! The text of a pointer, the only object that changes: a script, followed by its history.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::{BufMut, Bytes, BytesMut};
use netboot_core::ReleaseId;
use netboot_core::layout::GENERATED_MARK;
use serde::{Deserialize, Serialize};

/// The number of history entries that a pointer keeps, however old they are.
const HISTORY_LENGTH: usize = 50;

/// The time, in seconds, for which a pointer keeps more entries than that. They tell pruning which
/// releases were live within its grace time, even if a service publishes every few minutes.
const HISTORY_TIME: u64 = 24 * 60 * 60;

/// The maximum number of entries: 50 kB, which every machine fetches.
const HISTORY_LIMIT: usize = 500;

/// The start of a line of the history. iPXE treats a word that starts with `#`, and the rest of its
/// line, as a comment (`split_command` in `src/core/exec.c`).
const HISTORY_PREFIX: &[u8] = b"# netboot ";

/// How a release went live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ActivationKind {
    /// By publishing or activating it.
    Activated,
    /// By a rollback to it.
    RolledBack,
}

impl fmt::Display for ActivationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Activated => "activated",
            Self::RolledBack => "rolled-back",
        })
    }
}

/// One line of the history: the release was live from this moment on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Activation {
    pub(crate) kind: ActivationKind,
    /// Seconds since 1970.
    pub(crate) seconds: u64,
    pub(crate) release: ReleaseId,
}

impl Activation {
    /// Makes an activation of this time. A time before 1970 counts as 1970.
    pub(crate) fn new(kind: ActivationKind, release: ReleaseId, at: SystemTime) -> Self {
        let seconds = at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Self { kind, seconds, release }
    }

    /// The time of the activation. A time that the clock cannot represent counts as 1970.
    pub(crate) fn at(&self) -> SystemTime {
        UNIX_EPOCH.checked_add(Duration::from_secs(self.seconds)).unwrap_or(UNIX_EPOCH)
    }

    fn parse(line: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(line.strip_prefix(HISTORY_PREFIX)?).ok()?;
        let mut words = text.split(' ');
        let kind = match words.next()? {
            "activated" => ActivationKind::Activated,
            "rolled-back" => ActivationKind::RolledBack,
            _ => return None,
        };
        let seconds = words.next()?.parse().ok()?;
        let release = words.next()?.parse().ok()?;
        words.next().is_none().then_some(Self { kind, seconds, release })
    }
}

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
    /// A file that netboot did not write.
    Foreign,
}

/// A pointer: the live release's script, and the history, newest first and never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pointer {
    pub(crate) script: Bytes,
    pub(crate) history: Vec<Activation>,
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
        if lines(script).any(|(_, line)| line.starts_with(HISTORY_PREFIX)) {
            return Err("its script has a line of history".to_owned());
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
        Ok(Self { script, history: std::iter::once(activation).chain(older).collect() })
    }

    pub(crate) fn parse(bytes: &Bytes) -> PointerContent {
        if !is_generated(bytes) {
            return PointerContent::Foreign;
        }
        let Some((start, _)) = lines(bytes).find(|(_, line)| line.starts_with(HISTORY_PREFIX))
        else {
            let problem = "it has no history".to_owned();
            return PointerContent::Malformed { problem, without_history: true };
        };
        let mut history = Vec::new();
        for (_, line) in lines(&bytes[start..]) {
            let Some(activation) = Activation::parse(line) else {
                let line = String::from_utf8_lossy(&line[..line.len().min(80)]).into_owned();
                let problem = format!("its history has the unreadable line {line:?}");
                return PointerContent::Malformed { problem, without_history: false };
            };
            history.push(activation);
        }
        PointerContent::Pointer(Self { script: bytes.slice(..start), history })
    }

    pub(crate) fn to_bytes(&self) -> Bytes {
        let mut bytes = BytesMut::from(&self.script[..]);
        for Activation { kind, seconds, release } in &self.history {
            bytes.put(HISTORY_PREFIX);
            bytes.put(format!("{kind} {seconds} {release}\n").as_bytes());
        }
        bytes.freeze()
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
            let pointer = Pointer { script: Bytes::new(), history: history(text) };
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
            let mut pointer = Pointer { script: Bytes::new(), history: Vec::new() };
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

    proptest! {
        #[test]
        fn a_pointer_is_read_as_it_was_written(
            text in "[ -~\n]{0,200}",
            mut history in activations(),
        ) {
            let script = Bytes::from(format!("#!ipxe\n{GENERATED_MARK}\n{text}"));
            let newest = history.remove(0);
            let pointer = Pointer::new(&script, newest, &history).unwrap();
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
            let pointer = Pointer { script, history };
            let mut bytes = pointer.to_bytes().to_vec();
            let position = position.index(bytes.len());
            bytes[position] = byte;
            if let PointerContent::Pointer(pointer) = Pointer::parse(&bytes.into()) {
                let _ = (pointer.live(), pointer.previous(), pointer.history[0].at());
            }
        }
    }
}
