//! The book in `docs/`: its summary has every chapter, and its links lead somewhere, as do those of
//! the other pages of this repository.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use walkdir::WalkDir;

use crate::sources::root;

/// The address of a file of this repository, for the book, which has only the chapters.
const REPOSITORY: [&str; 2] = [
    "https://github.com/plasmacloud/netboot/blob/HEAD/",
    "https://github.com/plasmacloud/netboot/tree/HEAD/",
];

const NO_HEADING: &str = "the page has no such heading";

/// The number of lines that a chapter of the runbook does not reach.
const LONG: usize = 300;

/// The directories whose pages are not read.
const SKIPPED: [&str; 3] = ["target", ".git", "artifacts"];

/// A Markdown file.
#[derive(Debug)]
struct Page {
    path: PathBuf,
    /// The destinations of its links and images.
    links: Vec<String>,
    /// The names of its headings in links.
    anchors: BTreeSet<String>,
}

impl Page {
    fn read(path: &Path) -> Self {
        Self::parse(path, &fs::read_to_string(path).unwrap())
    }

    fn parse(path: &Path, text: &str) -> Self {
        let (mut links, mut anchors) = (Vec::new(), BTreeSet::new());
        let mut heading: Option<String> = None;
        for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    links.push(dest_url.into_string());
                }
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    let name = anchor(&heading.take().unwrap_or_default());
                    let free = (0..).map(|count| match count {
                        0 => name.clone(),
                        count => format!("{name}-{count}"),
                    });
                    anchors.insert(free.into_iter().find(|name| !anchors.contains(name)).unwrap());
                }
                Event::Text(text) | Event::Code(text) => {
                    if let Some(heading) = &mut heading {
                        *heading += &text;
                    }
                }
                _ => {}
            }
        }
        Self { path: path.to_owned(), links, anchors }
    }

    /// The links that lead nowhere, with the reason.
    fn dead_links(&self) -> Vec<String> {
        let dead = self.links.iter().filter_map(|link| Some((link, self.problem(link)?)));
        dead.map(|(link, problem)| format!("{}: {link}: {problem}", self.path.display())).collect()
    }

    fn problem(&self, link: &str) -> Option<String> {
        let (address, anchor) = link.split_once('#').unwrap_or((link, ""));
        let target = match REPOSITORY.iter().find_map(|start| address.strip_prefix(start)) {
            Some(path) => root().join(path),
            // Nothing is fetched.
            None if address.contains(':') => return None,
            None if address.is_empty() => {
                return (!self.anchors.contains(anchor)).then(|| NO_HEADING.to_owned());
            }
            None => self.path.with_file_name("").join(address),
        };
        let target = without_dots(&target);
        let is_chapter = |path: &Path| path.starts_with(root().join("docs"));
        if !target.exists() {
            return Some("it is not there".to_owned());
        }
        if !address.contains(':') && is_chapter(&self.path) && !is_chapter(&target) {
            return Some(format!("the book has only chapters; write {}…", REPOSITORY[0]));
        }
        let is_page = target.extension().is_some_and(|extension| extension == "md");
        if anchor.is_empty() || !is_page || Self::read(&target).anchors.contains(anchor) {
            return None;
        }
        Some(NO_HEADING.to_owned())
    }
}

/// The name of a heading in links, as GitHub and mdBook make it.
fn anchor(heading: &str) -> String {
    let named = heading.trim().to_lowercase();
    let kept = named.chars().filter(|it| it.is_alphanumeric() || " -_".contains(*it));
    kept.map(|it| if it == ' ' { '-' } else { it }).collect()
}

fn without_dots(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => drop(plain.pop()),
            component => plain.push(component),
        }
    }
    plain
}

/// The Markdown files of this repository.
fn pages() -> Vec<PathBuf> {
    let entries = WalkDir::new(root()).sort_by_file_name().into_iter().filter_entry(|entry| {
        !SKIPPED.iter().any(|skipped| entry.file_name().to_str() == Some(skipped))
    });
    let paths = entries.map(|entry| entry.unwrap().into_path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}

#[test]
fn every_link_of_every_page_leads_somewhere() {
    let pages: Vec<Page> = pages().iter().map(|path| Page::read(path)).collect();
    let count: usize = pages.iter().map(|page| page.links.len()).sum();
    assert!(count > 60, "{count} links");
    let dead: Vec<String> = pages.iter().flat_map(Page::dead_links).collect();
    assert_eq!(dead, Vec::<String>::new());
}

#[test]
fn the_summary_has_every_chapter_once() {
    let docs = root().join("docs");
    let summary = Page::read(&docs.join("SUMMARY.md"));
    let named: BTreeSet<PathBuf> = summary.links.iter().map(|link| docs.join(link)).collect();
    assert_eq!(named.len(), summary.links.len(), "a chapter is named twice");
    let chapters = pages().into_iter().filter(|path| path.starts_with(&docs));
    let chapters = chapters.filter(|path| *path != summary.path).collect();
    assert_eq!(named, chapters);
}

#[test]
fn an_operator_finds_the_page_of_a_symptom() {
    let docs = root().join("docs");
    let overview = Page::read(&docs.join("operations.md"));
    let led_to = overview.links.iter().map(|link| link.split('#').next().unwrap());
    let led_to: BTreeSet<PathBuf> = led_to.map(|link| docs.join(link)).collect();
    let chapters = pages().into_iter().filter(|path| path.starts_with(docs.join("operations")));
    let chapters: Vec<PathBuf> = chapters.collect();
    assert!(chapters.len() > 20, "{} chapters", chapters.len());
    for path in &chapters {
        let lines = fs::read_to_string(path).unwrap().lines().count();
        assert!(lines < LONG, "{} has {lines} lines", path.display());
        assert!(led_to.contains(path), "the overview does not lead to {}", path.display());
    }
}

#[test]
fn a_chapter_begins_with_its_title() {
    for path in pages().iter().filter(|path| path.starts_with(root().join("docs"))) {
        let text = fs::read_to_string(path).unwrap();
        let titles = Parser::new(&text).filter(|event| {
            let level = pulldown_cmark::HeadingLevel::H1;
            matches!(event, Event::Start(Tag::Heading { level: it, .. }) if *it == level)
        });
        assert!(text.starts_with("# "), "{}", path.display());
        let titles = titles.count();
        let is_summary = path.ends_with("SUMMARY.md");
        assert!(is_summary || titles == 1, "{} has {titles} titles", path.display());
    }
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    let path = root().join("docs/operations.md");
    let text = "# A `heading`, twice\n\n## a heading, twice\n\n[a](#a-heading-twice-1) \
        [b](trust.md#keys) [c](https://example.org/#x)\n\
        [d](https://github.com/plasmacloud/netboot/blob/HEAD/LICENSE)\n\
        [e](#a-heading) [f](trust.md#no-such-heading) [g](nowhere.md) [h](../README.md)\n\
        [i](https://github.com/plasmacloud/netboot/tree/HEAD/nowhere)\n\
        [`code`](#not-in-code) `[k](nowhere.md)`\n";
    let dead = Page::parse(&path, text).dead_links();
    let found: Vec<&str> = dead.iter().map(|line| line.split(": ").nth(1).unwrap()).collect();
    assert_eq!(
        found,
        [
            "#a-heading",
            "trust.md#no-such-heading",
            "nowhere.md",
            "../README.md",
            "https://github.com/plasmacloud/netboot/tree/HEAD/nowhere",
            "#not-in-code",
        ]
    );
}
