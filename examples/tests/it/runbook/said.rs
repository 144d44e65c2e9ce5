//! Every message that the runbook quotes is the library's. Each is made here from the library's own
//! errors, findings and events, and compared with the block that has its name.
//!
//! `NETBOOT_RUNBOOK=write cargo test -p netboot-examples --test it runbook` writes them into it.

mod access;
mod booting;
mod building;
mod closures;
mod publishing;
mod sizes;
mod verifying;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::fs;

use netboot_core::{ProfileName, ReleaseId, ReleasePath, Report, Sha256Digest};

use crate::runbook::document;

/// A message and its name in the runbook's comment.
pub(crate) type Said = (&'static str, String);

#[test]
fn every_message_is_what_the_library_says() {
    let sources = [
        building::said(),
        access::said(),
        sizes::said(),
        closures::said(),
        booting::said(),
        publishing::said(),
        verifying::said(),
    ];
    let said: BTreeMap<&str, String> = sources.into_iter().flatten().collect();
    let mut pages = document::runbook();
    if std::env::var("NETBOOT_RUNBOOK").is_ok_and(|value| value == "write") {
        for page in &mut pages {
            for (name, message) in &said {
                page.text = with_message(&page.text, name, message);
            }
            fs::write(document::root().join(&page.path), &page.text).unwrap();
        }
    }
    let mut quoted = BTreeSet::new();
    for page in &pages {
        for block in document::blocks(&page.text).iter().filter(|block| block.language == "text") {
            let at = format!("{}:{}", page.path, block.line);
            let name = block.mark.strip_prefix("says: ");
            let name = name.unwrap_or_else(|| panic!("{at} quotes without `says:`"));
            let message = said.get(name).unwrap_or_else(|| panic!("{at}: who says `{name}`?"));
            assert_eq!(block.text.trim_end(), message.trim_end(), "{at}");
            assert!(quoted.insert(name.to_owned()), "{at}: `{name}` is quoted twice");
        }
    }
    let unquoted: Vec<_> = said.keys().filter(|name| !quoted.contains(**name)).collect();
    assert!(unquoted.is_empty(), "the runbook does not quote {unquoted:?}");
}

fn with_message(text: &str, name: &str, message: &str) -> String {
    let mark = format!("<!-- says: {name} -->\n```text\n");
    let Some((before, rest)) = text.split_once(&mark) else { return text.to_owned() };
    let end = if rest.starts_with("```") { 0 } else { rest.find("\n```").unwrap() + 1 };
    format!("{before}{mark}{}\n{}", message.trim_end(), &rest[end..])
}

fn run<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(future)
}

/// An error as the example programs print it.
fn error(error: impl Into<Report>) -> String {
    error.into().in_full()
}

/// A finding in the same form.
fn finding(what: impl Display, remedy: impl Display) -> String {
    format!("{what}\n  what to do: {remedy}")
}

/// Several messages in one block.
fn all<T>(items: impl IntoIterator<Item = T>, say: impl Fn(&T) -> String) -> String {
    items.into_iter().map(|item| say(&item)).collect::<Vec<_>>().join("\n")
}

fn worker() -> ProfileName {
    ProfileName::new("worker").unwrap()
}

fn path(text: &str) -> ReleasePath {
    ReleasePath::new(text).unwrap()
}

fn digest(text: &str) -> Sha256Digest {
    Sha256Digest::of(text.as_bytes())
}

fn release(text: &str) -> ReleaseId {
    digest(text).into()
}
