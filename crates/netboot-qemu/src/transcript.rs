//! The text of a serial console.

/// The maximum size of the text, in bytes. A machine that prints forever must not fill the memory.
const TEXT_LIMIT: usize = 8 * 1024 * 1024;

/// The line that replaces dropped text.
const DROPPED: &str = "[earlier lines were dropped]\n";

/// The lines of a console. The oldest are dropped if the text becomes too long.
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    text: String,
}

impl Transcript {
    pub(crate) fn push(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
        if self.text.len() > TEXT_LIMIT {
            let half = self.text.len() / 2;
            let bytes = self.text.as_bytes();
            let line_end = bytes.iter().skip(half).position(|byte| *byte == b'\n');
            let kept = line_end.map_or(self.text.len(), |position| half + position + 1);
            self.text.replace_range(..kept, DROPPED);
        }
    }

    pub(crate) fn into_text(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endless_console_keeps_its_end() {
        let mut transcript = Transcript::default();
        for number in 0..1_200_000 {
            transcript.push(&format!("line {number}"));
        }
        let text = transcript.into_text();
        assert!(text.len() <= TEXT_LIMIT);
        assert!(text.starts_with(DROPPED));
        assert!(text.ends_with("line 1199998\nline 1199999\n"));
        assert!(text.lines().skip(1).all(|line| line.starts_with("line ")));
    }
}
