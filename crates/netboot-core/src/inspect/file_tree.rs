//! The files that Linux makes of an image's initrds.

use std::collections::{BTreeMap, BTreeSet};

use crate::inspect::summary::{Entry, InitrdSummary, Member};

/// The directories that the kernel itself makes (`usr/default_cpio_list` of Linux).
const OF_KERNEL: [&str; 2] = ["dev", "root"];

/// The files that Linux makes when it unpacks initrds into the same directory, one after the other.
///
/// Linux does not make the directory of a file. So it makes a file only if the directory is before
/// it, in its initrd or in an earlier one. A file behind a symbolic link counts as made, because
/// links are not followed here.
#[derive(Debug, Default)]
pub(super) struct FileTree<'a> {
    /// The kind of the last member at each path.
    made: BTreeMap<&'a str, Member>,
    /// The symbolic links that are not behind others. A byte of zero stands for each `/`, so that
    /// what is behind a link follows it immediately.
    links: BTreeSet<String>,
}

impl<'a> FileTree<'a> {
    /// Unpacks one path and the directories above it.
    pub(super) fn along(path: &str, initrds: &[&'a InitrdSummary]) -> Self {
        let ends = path.match_indices('/').map(|(end, _)| end).chain([path.len()]);
        let paths: Vec<&str> = ends.map(|end| &path[..end]).collect();
        let mut tree = Self::default();
        for initrd in initrds {
            tree.unpack(paths.iter().filter_map(|path| initrd.entry(path)));
        }
        tree
    }

    /// Unpacks the paths of one more initrd, in their order. Returns those that Linux leaves out,
    /// because their directory is missing.
    pub(super) fn unpack(
        &mut self,
        entries: impl Iterator<Item = (&'a str, Entry)> + Clone,
    ) -> Vec<&'a str> {
        for (path, entry) in entries.clone() {
            if entry.member == Member::SymbolicLink {
                self.add_link(path);
            }
        }
        let (mut own, mut lost) = (BTreeMap::new(), Vec::new());
        for (path, entry) in entries {
            let is_made = path.rsplit_once('/').is_none_or(|(directory, _)| {
                OF_KERNEL.contains(&directory)
                    || self.made.get(directory) == Some(&Member::Directory)
                    || (entry.follows_directory && own.get(directory) == Some(&Member::Directory))
                    || self.is_behind_link(path)
            });
            if is_made {
                own.insert(path, entry.member);
            } else {
                lost.push(path);
            }
        }
        self.made.append(&mut own);
        lost
    }

    /// Returns the kind of the file at a path, of which the last initrd decides.
    pub(super) fn member(&self, path: &str) -> Option<Member> {
        self.made.get(path).copied()
    }

    /// Returns true if the path is behind a symbolic link of any initrd.
    pub(super) fn is_behind_link(&self, path: &str) -> bool {
        if self.links.is_empty() {
            return false;
        }
        let path = in_order(path);
        let before = self.links.range(..path.clone()).next_back();
        before.is_some_and(|link| is_behind(&path, link))
    }

    fn add_link(&mut self, path: &str) {
        if self.is_behind_link(path) {
            return;
        }
        let link = in_order(path);
        let inside: Vec<String> = self
            .links
            .range(link.clone()..)
            .skip_while(|other| **other == link)
            .take_while(|other| is_behind(other, &link))
            .cloned()
            .collect();
        for other in inside {
            self.links.remove(&other);
        }
        self.links.insert(link);
    }
}

fn in_order(path: &str) -> String {
    path.replace('/', "\0")
}

fn is_behind(path: &str, link: &str) -> bool {
    path.strip_prefix(link).is_some_and(|rest| rest.starts_with('\0'))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn initrd(members: &[(&str, Member)]) -> InitrdSummary {
        let mut summary = InitrdSummary::new();
        for (path, member) in members {
            summary.add(path, 0, *member);
        }
        summary
    }

    fn lost<'a>(tree: &mut FileTree<'a>, initrd: &'a InitrdSummary) -> Vec<&'a str> {
        tree.unpack(initrd.entries())
    }

    #[test]
    fn a_link_among_paths_that_only_begin_like_it_is_found() {
        let link = Member::SymbolicLink;
        let one = initrd(&[
            ("a", link),
            ("a-b", link),
            ("a/b", link),
            ("a/c/d", Member::Data),
            ("ab/c", Member::Data),
            ("a-b/c", Member::Data),
            ("x/y", link),
        ]);
        let two = initrd(&[("x", link), ("x/y/z", Member::Data), ("b/x", Member::Data)]);
        let mut tree = FileTree::default();
        assert_eq!(lost(&mut tree, &one), ["ab/c", "x/y"]);
        assert_eq!(lost(&mut tree, &two), ["b/x"]);
        assert!(tree.is_behind_link("x/y/z") && !tree.is_behind_link("x"));
    }

    #[test]
    fn a_directory_of_an_earlier_initrd_counts_and_one_of_a_later_does_not() {
        let directory = Member::Directory;
        let one = initrd(&[("a", directory), ("b/x", Member::Data)]);
        let two = initrd(&[("a/x", Member::Data), ("b", directory)]);
        let mut tree = FileTree::default();
        assert_eq!(lost(&mut tree, &one), ["b/x"]);
        assert_eq!(lost(&mut tree, &two), [""; 0]);
        let tree = FileTree::along("a/x", &[&one, &two]);
        assert_eq!(tree.member("a/x"), Some(Member::Data));
        assert_eq!(FileTree::along("a/x", &[&two, &one]).member("a/x"), None);
    }

    /// Anybody can write an archive with chains of directories whose first one is missing.
    #[test]
    fn deep_paths_are_looked_at_once() {
        let mut summary = initrd(&[("link", Member::SymbolicLink)]);
        for chain in 0..4 {
            let mut path = format!("{chain}/missing");
            for _ in 0..1500 {
                summary.add(&path, 0, Member::Directory);
                path.push_str("/d");
            }
        }
        let initrds = vec![&summary; 8];
        let begin = Instant::now();
        let mut tree = FileTree::default();
        for initrd in &initrds {
            assert_eq!(tree.unpack(initrd.entries()).len(), 6_000);
        }
        let deepest = format!("0/missing{}", "/d".repeat(1499));
        assert_eq!(FileTree::along(&deepest, &initrds).member(&deepest), None);
        assert!(begin.elapsed() < Duration::from_secs(120), "{:?}", begin.elapsed());
    }
}
