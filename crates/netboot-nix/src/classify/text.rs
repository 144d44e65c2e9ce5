//! Finds names in messages.

use std::path::Path;

/// The beginnings of messages in which Nix tells that git or libgit2 failed.
const OF_NIX: [&str; 9] = [
    "program 'git' failed",
    "resolving Git reference",
    "Cannot find Git revision",
    "getting Git object",
    "Failed to fetch git repo",
    "opening Git repository",
    "cannot clone git repo",
    "cloning ",
    "fetching Git ",
];

/// A message without the quoted end of a builder's log. Nix quotes it if the daemon or another
/// machine builds. A quoted text such as "timed out after" is not about a time limit of Nix.
pub(super) fn own_words(message: &str) -> &str {
    let begins_quotation = |line: &str| {
        let line = line.trim_start();
        (line.starts_with("last ") || line.starts_with("Last ")) && line.contains(" log line")
    };
    let begin = message
        .match_indices('\n')
        .map(|(end, _)| end)
        .find(|end| message[end + 1..].lines().next().is_some_and(begins_quotation));
    &message[..begin.unwrap_or(message.len())]
}

/// The derivations in single quotes in a message, with or without an output (`x.drv!out`,
/// `x.drv^out`).
pub(crate) fn derivations(message: &str) -> impl Iterator<Item = &str> {
    let quoted = own_words(message).split('\'').skip(1).step_by(2);
    let derivation = |text: &str| text.find(['!', '^']).unwrap_or(text.len());
    quoted
        .map(move |text| &text[..derivation(text)])
        .filter(|text| Path::new(text).extension().is_some_and(|extension| extension == "drv"))
}

/// The text in single or double quotes after `before`.
pub(super) fn quoted_after<'a>(message: &'a str, before: &str) -> Option<&'a str> {
    let (_, rest) = message.split_once(before)?;
    let rest = rest.trim_start();
    let quote = rest.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
    rest[1..].split_once(quote).map(|(quoted, _)| quoted)
}

/// The path before `reason`, with or without quotes. Nix writes
/// `opening file '/x': Permission denied`, sometimes without quotes.
pub(super) fn path_before<'a>(message: &'a str, reason: &str) -> Option<&'a str> {
    let (before, _) = message.split_once(reason)?;
    let before = before.lines().last().unwrap_or(before).trim_end();
    match before.chars().last()? {
        quote @ ('\'' | '"') => {
            let inside = &before[..before.len() - 1];
            inside.rsplit_once(quote).map(|(_, path)| path)
        }
        _ => before.rsplit(char::is_whitespace).next().filter(|path| path.starts_with('/')),
    }
}

/// A path relative to the root of the flake's source, or the same path if it is not in the source.
/// Nix names the source by its store path, or since 2.32 by its URL between `«` and `»`.
pub(super) fn in_source(path: &str) -> &str {
    let within = path.split_once("-source/").or_else(|| path.split_once("»/"));
    within.map_or(path, |(_, path)| path)
}

/// Returns true if a message only tells that git failed. Git's own message precedes it.
pub(super) fn is_about_git(message: &str) -> bool {
    OF_NIX.iter().any(|text| message.starts_with(text))
        || message.contains("libgit2 error")
        || message.starts_with("hash '") && message.contains("has wrong length")
}

/// The text in one line, with single spaces.
pub(super) fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_builder_printed_is_left_out_of_a_message() {
        let own = "builder for '/s/a-x.drv' failed with exit code 1;";
        for quotation in ["last 2 log lines:", "  Last 25 log lines:", "last 1 log line:"] {
            let message = format!("{own}\n{quotation}\n> timed out after 3 seconds '/s/b-y.drv'");
            assert_eq!(own_words(&message), own);
            assert_eq!(derivations(&message).collect::<Vec<_>>(), ["/s/a-x.drv"]);
        }
        for whole in ["", "\n", "one\ntwo", "the last 2 log lines:"] {
            assert_eq!(own_words(whole), whole);
        }
    }

    #[test]
    fn derivations_are_found_with_and_without_their_output() {
        let message = "building of '/s/a-x.drv!out' timed out, as '/s/b-y.drv^dev' and '/s/c-z.drv'; not '/s/d'";
        let found: Vec<_> = derivations(message).collect();
        assert_eq!(found, ["/s/a-x.drv", "/s/b-y.drv", "/s/c-z.drv"]);
    }

    #[test]
    fn paths_are_found_with_and_without_quotes() {
        let reason = ": Permission denied";
        for message in [
            "opening file '/a b/c': Permission denied",
            "creating directory \"/a b/c\": Permission denied",
            "first\n  opening file '/a b/c': Permission denied",
        ] {
            assert_eq!(path_before(message, reason), Some("/a b/c"));
        }
        assert_eq!(
            path_before("what(): getting status of /a: Permission denied", reason),
            Some("/a")
        );
        assert_eq!(path_before("it says: Permission denied", reason), None);
        assert_eq!(quoted_after("Git tree '/x' is dirty", "Git tree"), Some("/x"));
    }
}
