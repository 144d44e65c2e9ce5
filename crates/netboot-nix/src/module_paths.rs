//! The paths of the caller's modules in place of their copies in the store.

use std::borrow::Cow;

use crate::internal_json::LogEvent;
use crate::warnings::Mark;

/// The copies of modules that an evaluation has told of, each with the path that the caller gave.
/// Nix's messages name the copies, and a file in one looks like a file of the flake.
#[derive(Debug, Default)]
pub(crate) struct ModulePaths(Vec<(String, String)>);

impl ModulePaths {
    /// Records a text that `overrides.nix` prints with the mark of the run.
    pub(crate) fn record(&mut self, mark: &Mark, event: &LogEvent) {
        let LogEvent::Trace { message } = event else { return };
        if let Some((copy, path)) = mark.module_in(message) {
            // Lines of the log are JSON.
            let path = serde_json::Value::from(path).to_string();
            self.0.push((copy.to_owned(), path[1..path.len() - 1].to_owned()));
        }
    }

    /// A line of Nix's log that names the modules by the caller's paths.
    pub(crate) fn in_line<'a>(&self, line: &'a str) -> Cow<'a, str> {
        let mut line = Cow::Borrowed(line);
        for (copy, path) in &self.0 {
            if line.contains(copy) {
                // Nix 2.34 puts a slash after the path of a single file.
                let file = line.replace(&format!("{copy}/:"), &format!("{path}:"));
                line = file.replace(copy, path).into();
            }
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_named_by_its_path_only_if_the_run_tells_it() {
        let (mark, mut modules) = (Mark::new(), ModulePaths::default());
        let copy = "/nix/store/0-source";
        for text in [format!("module {copy} /x"), format!("{}module {copy}", mark.as_str())] {
            modules.record(&mark, &LogEvent::Trace { message: text.as_str().into() });
            assert_eq!(modules.in_line(copy), copy);
        }
        let text = format!("{}module {copy} /a \"b\"/c.nix", mark.as_str());
        modules.record(&mark, &LogEvent::Trace { message: text.as_str().into() });
        for (line, named) in [
            ("at /nix/store/0-source:1:2", r#"at /a \"b\"/c.nix:1:2"#),
            ("at /nix/store/0-source/:1:2", r#"at /a \"b\"/c.nix:1:2"#),
            ("/nix/store/0-source/d.nix", r#"/a \"b\"/c.nix/d.nix"#),
            ("/nix/store/1-source", "/nix/store/1-source"),
        ] {
            assert_eq!(modules.in_line(line), named);
        }
    }
}
