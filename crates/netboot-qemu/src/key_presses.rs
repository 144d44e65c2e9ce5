//! The times at which the caller's keys are pressed.

use crate::expectations::has_words;
use crate::terminal::Shown;

/// The keys that the caller wants to press. Each is pressed when its text appears after the
/// previous keys were pressed.
#[derive(Debug)]
pub(crate) struct KeyPresses {
    /// Pairs of a text and the keys that are pressed after it.
    presses: Vec<(String, String)>,
    done: usize,
    /// True if the text of the last press is still in the line.
    answered: bool,
    due: Vec<String>,
}

impl KeyPresses {
    pub(crate) fn new(presses: Vec<(String, String)>) -> Self {
        Self { presses, done: 0, answered: false, due: Vec::new() }
    }

    /// Takes what the console shows.
    pub(crate) fn take(&mut self, shown: Shown<'_>) {
        let (Shown::Partial(line) | Shown::Finished(line)) = shown;
        // A prompt waits at the end of a line that is not finished, so its last word counts as
        // whole.
        // The next keys may wait for the same text: it must first disappear.
        let answered = self.done.checked_sub(1).and_then(|last| self.presses.get(last));
        self.answered =
            self.answered && answered.is_some_and(|last| has_words(line, &last.0, true));
        for (after, keys) in self.presses.iter().skip(self.done) {
            let previous = self.done.checked_sub(1).and_then(|last| self.presses.get(last));
            let same = previous.is_some_and(|previous| previous.0 == *after);
            if !has_words(line, after, true) || (same && self.answered) {
                break;
            }
            self.due.push(keys.clone());
            self.done += 1;
            self.answered = true;
        }
        if let Shown::Finished(_) = shown {
            self.answered = false;
        }
    }

    /// Returns the keys that have become due since the last call.
    pub(crate) fn take_due(&mut self) -> Vec<String> {
        std::mem::take(&mut self.due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys that are pressed while the console shows this.
    fn pressed(presses: &[(&str, &str)], shown: &[Shown<'_>]) -> Vec<String> {
        let owned = presses.iter().map(|(after, keys)| (String::from(*after), String::from(*keys)));
        let mut presses = KeyPresses::new(owned.collect());
        shown
            .iter()
            .flat_map(|shown| {
                presses.take(*shown);
                presses.take_due()
            })
            .collect()
    }

    #[test]
    fn the_same_text_asks_for_a_key_each_time_it_comes() {
        use Shown::{Finished, Partial};

        let presses = [("Sure?", "a"), ("Sure?", "b"), ("Done?", "c")];
        let once = [Partial("Sure?"), Partial("Sure? y"), Partial("Sure?"), Finished("Sure? no")];
        assert_eq!(pressed(&presses, &once), ["a"]);
        assert_eq!(
            pressed(&presses, &[Partial("Sure?"), Partial(""), Partial("Sure?")]),
            ["a", "b"]
        );
        assert_eq!(pressed(&presses, &[Finished("Sure?"), Finished("Sure?")]), ["a", "b"]);
        let lines = ["Done?", "Sure?", "Sure?", "Done?"].map(Finished);
        assert_eq!(pressed(&presses, &lines), ["a", "b", "c"]);
    }

    #[test]
    fn keys_wait_for_whole_words() {
        use Shown::{Finished, Partial};

        let lines =
            [Finished("/usr/sbin/sulogin: no root"), Partial("nixos lo"), Partial("nixos login:")];
        assert_eq!(pressed(&[("login:", "root")], &lines[..2]), [""; 0]);
        assert_eq!(pressed(&[("login:", "root")], &lines), ["root"]);
        assert_eq!(pressed(&[("Menu", "a")], &[Partial("Boot Menu")]), ["a"]);
    }

    #[test]
    fn texts_of_one_line_press_their_keys_at_once() {
        let presses = [("one", "a"), ("two", "b")];
        assert_eq!(pressed(&presses, &[Shown::Finished("one or two")]), ["a", "b"]);
    }
}
