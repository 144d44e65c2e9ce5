//! The lines of `--log-format internal-json` (Nix, `src/libutil/logging.cc`).

use foreign_text::ForeignText;
use serde::Deserialize;
use serde_json::Value;

/// A line of Nix's log, as far as Netboot uses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LogEvent {
    /// A derivation's builder started, as this activity.
    BuildStarted { activity: u64, derivation: String },
    /// A store path is being copied or downloaded, as this activity.
    CopyStarted { activity: u64, path: String },
    /// A file is being downloaded, as this activity.
    TransferStarted { activity: u64, url: String },
    /// All builds together started, as this activity.
    BuildsStarted { activity: u64 },
    /// The builder of this activity printed a line.
    BuildLine { activity: u64, line: ForeignText },
    /// The progress of an activity, and the number of its failures.
    Progress { activity: u64, done: u64, expected: u64, failed: u64 },
    /// An activity ended.
    Stopped { activity: u64 },
    /// An error message, and its place in Nix code as `file:line:column`.
    Error { message: ForeignText, position: Option<String> },
    /// A message after which Nix goes on.
    Warning { message: ForeignText },
    /// A text that Nix code prints with `builtins.trace`.
    Trace { message: ForeignText },
    /// A line that is not in Nix's format. Git and ssh print such lines, and Nix when it starts.
    Plain { line: ForeignText },
}

#[derive(Deserialize)]
struct Record {
    action: String,
    #[serde(default)]
    id: u64,
    #[serde(default, rename = "type")]
    kind: u64,
    #[serde(default)]
    level: u64,
    #[serde(default)]
    fields: Vec<Value>,
    #[serde(default)]
    msg: String,
    raw_msg: Option<String>,
    file: Option<String>,
    line: Option<u64>,
    column: Option<u64>,
}

const COPY_PATH: u64 = 100;
const FILE_TRANSFER: u64 = 101;
const BUILDS: u64 = 104;
const BUILD: u64 = 105;
const RESULT_BUILD_LINE: u64 = 101;
const RESULT_PROGRESS: u64 = 105;

/// Reads a line. Returns `None` for a line that Netboot does not use.
pub(crate) fn parse(line: &str) -> Option<LogEvent> {
    let Some(json) = line.strip_prefix("@nix ") else {
        let line = last_text(line);
        return (!line.is_empty()).then_some(LogEvent::Plain { line });
    };
    let record: Record = serde_json::from_str(json).ok()?;
    let activity = record.id;
    let text = |index: usize| record.fields.get(index).and_then(Value::as_str);
    let number = |index: usize| record.fields.get(index).and_then(Value::as_u64);
    match (record.action.as_str(), record.kind) {
        ("start", BUILD) => {
            Some(LogEvent::BuildStarted { activity, derivation: text(0)?.to_owned() })
        }
        ("start", COPY_PATH) => Some(LogEvent::CopyStarted { activity, path: text(0)?.to_owned() }),
        ("start", FILE_TRANSFER) => {
            Some(LogEvent::TransferStarted { activity, url: text(0)?.to_owned() })
        }
        ("start", BUILDS) => Some(LogEvent::BuildsStarted { activity }),
        ("result", RESULT_BUILD_LINE) => {
            Some(LogEvent::BuildLine { activity, line: last_text(text(0)?) })
        }
        ("result", RESULT_PROGRESS) => {
            let failed = number(3).unwrap_or_default();
            Some(LogEvent::Progress { activity, done: number(0)?, expected: number(1)?, failed })
        }
        ("stop", _) => Some(LogEvent::Stopped { activity }),
        ("msg", _) if record.level <= 1 => message(&record),
        _ => None,
    }
}

/// Reads a message that is an error or a warning.
fn message(record: &Record) -> Option<LogEvent> {
    let has_position = record.raw_msg.is_some();
    let text = ForeignText::new(record.raw_msg.as_deref().unwrap_or(&record.msg));
    let text = text.trim_start();
    // `lib.warn` of nixpkgs prints a trace where Nix has no `builtins.warn` (before 2.23).
    let untraced = text.strip_prefix("trace:").map_or(text, str::trim_start);
    let mut warning = ["warning:", "evaluation warning:"].into_iter();
    if let Some(warning) = warning.find_map(|prefix| untraced.strip_prefix(prefix)) {
        return Some(LogEvent::Warning { message: warning.trim().into() });
    }
    // The build hook prints this about one machine. Another machine may still take the build.
    if record.level == 0 && !has_position && text.starts_with("cannot build on '") {
        return Some(LogEvent::Warning { message: text.trim().into() });
    }
    if let Some(traced) = text.strip_prefix("trace:").filter(|_| record.level == 0) {
        return Some(LogEvent::Trace { message: traced.trim().into() });
    }
    // Errors of a daemon or a remote machine have no `raw_msg`. The other messages of level 0 are
    // advice.
    let is_error = has_position || text.starts_with("error:");
    let message = ForeignText::from(text.trim_start_matches("error:").trim());
    match record.level {
        0 => is_error.then(|| LogEvent::Error { message, position: position(record) }),
        // Nix goes on without it, for example without a substituter that does not answer.
        _ => is_error.then_some(LogEvent::Warning { message }),
    }
}

/// The place of an error, relative to the root of its source. It is the place that Nix states
/// (since 2.9 with the line and column in `file`), or else the innermost place of the trace.
fn position(record: &Record) -> Option<String> {
    let stated = match (&record.file, record.line, record.column) {
        (Some(file), Some(line), Some(column)) if !file.ends_with(&format!(":{line}:{column}")) => {
            Some(format!("{file}:{line}:{column}"))
        }
        (file, _, _) => file.clone(),
    };
    let trace = || {
        record.msg.lines().rev().find_map(|line| {
            let line = ForeignText::line(line);
            // Netboot's own code and Nix's built-in code have no file.
            let place = line.trim().strip_prefix("at ").filter(|place| is_of_a_source(place))?;
            Some(place.trim_end_matches(':').to_owned())
        })
    };
    let place = stated.or_else(trace).filter(|place| is_of_a_source(place))?;
    let within = place.split_once("-source/").or_else(|| place.split_once("»/"));
    let within = within.map(|(_, path)| path.to_owned());
    Some(within.unwrap_or(place))
}

/// Returns true if a place is a path, or a file of a source that Nix names by its URL between `«`
/// and `»` (since 2.32). Nix's own code has a name without a colon there.
fn is_of_a_source(place: &str) -> bool {
    let url = place.strip_prefix('«').and_then(|rest| rest.split_once("»/"));
    place.starts_with('/') || url.is_some_and(|(url, _)| url.contains(':'))
}

/// The last text of a line that overwrites itself with carriage returns.
fn last_text(line: &str) -> ForeignText {
    ForeignText::line(line.trim_end_matches('\r').rsplit('\r').next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_builder_and_its_lines_are_read() {
        let start = r#"@nix {"action":"start","fields":["/nix/store/a-x.drv","",1,1],"id":7,"level":3,"text":"building","type":105}"#;
        let derivation = "/nix/store/a-x.drv".to_owned();
        assert_eq!(parse(start), Some(LogEvent::BuildStarted { activity: 7, derivation }));
        let line = "@nix {\"action\":\"result\",\"fields\":[\"10%\\r\\u001b[1m20%\\u001b[0m\"],\"id\":7,\"type\":101}";
        assert_eq!(parse(line), Some(LogEvent::BuildLine { activity: 7, line: "20%".into() }));
        let progress = r#"@nix {"action":"result","fields":[1,3,0,0],"id":9,"type":105}"#;
        let expected = LogEvent::Progress { activity: 9, done: 1, expected: 3, failed: 0 };
        assert_eq!(parse(progress), Some(expected));
    }

    #[test]
    fn errors_are_told_from_traces_and_warnings() {
        let local = "@nix {\"action\":\"msg\",\"column\":null,\"level\":0,\"msg\":\"\\u001b[31;1merror:\\u001b[0m no\",\"raw_msg\":\"no\"}";
        assert_eq!(parse(local), Some(LogEvent::Error { message: "no".into(), position: None }));
        let remote = r#"@nix {"action":"msg","level":0,"msg":"error: builder failed"}"#;
        let message = "builder failed".into();
        assert_eq!(parse(remote), Some(LogEvent::Error { message, position: None }));
        let trace = r#"@nix {"action":"msg","level":0,"msg":"trace: here"}"#;
        assert_eq!(parse(trace), Some(LogEvent::Trace { message: "here".into() }));
        // `lib.warn` under Nix 2.8, and `builtins.warn` under Nix 2.26 and 2.34.
        for line in [
            "@nix {\"action\":\"msg\",\"level\":0,\"msg\":\"trace: \\u001b[1;31mwarning: one\\ntwo\\u001b[0m\"}",
            "@nix {\"action\":\"msg\",\"level\":1,\"msg\":\"\\u001b[35;1mevaluation warning:\\u001b[0m one\\ntwo\",\"raw_msg\":\"one\\ntwo\"}",
            "@nix {\"action\":\"msg\",\"level\":1,\"msg\":\"evaluation warning: one\\ntwo\"}",
        ] {
            let message = "one\ntwo".into();
            assert_eq!(parse(line), Some(LogEvent::Warning { message }), "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_line_is_too_odd(line in "(@nix )?.{0,200}", json in any::<String>()) {
            let _ = parse(&line);
            let _ = parse(&format!("@nix {json}"));
        }
    }
}
