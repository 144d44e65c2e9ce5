//! The references between the store paths of a closure.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::path_info::PathInfo;

/// The shortest chain of references from `root` to each path.
pub(crate) fn chains<'a>(
    root: &'a str,
    references: impl Fn(&str) -> &'a [String],
) -> BTreeMap<&'a str, Vec<String>> {
    let mut chains = BTreeMap::from([(root, vec![root.to_owned()])]);
    let mut waiting = VecDeque::from([root]);
    while let Some(path) = waiting.pop_front() {
        let before = chains.get(path).cloned().unwrap_or_default();
        for reference in references(path) {
            if !chains.contains_key(reference.as_str()) {
                let mut chain = before.clone();
                chain.push(reference.clone());
                chains.insert(reference, chain);
                waiting.push_back(reference);
            }
        }
    }
    chains
}

/// The references of a path in `closure`.
pub(crate) fn references<'a>(closure: &'a BTreeMap<String, PathInfo>, path: &str) -> &'a [String] {
    closure.get(path).map_or(&[], |info| &info.references)
}

/// The store paths that `root` needs if it had none of `without`.
pub(super) fn reached<'a>(
    root: &'a str,
    closure: &'a BTreeMap<String, PathInfo>,
    without: &BTreeSet<&str>,
) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut waiting = vec![root];
    while let Some(path) = waiting.pop() {
        if !without.contains(path) && reached.insert(path) {
            waiting.extend(references(closure, path).iter().map(String::as_str));
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_chain_says_who_brings_a_path_in() {
        let info = |references: &[&str]| PathInfo {
            nar_hash: String::new(),
            nar_size: 1,
            references: references.iter().map(|path| (*path).to_owned()).collect(),
            deriver: None,
            closure_size: None,
        };
        let closure = BTreeMap::from([
            ("/s/0-system".to_owned(), info(&["/s/1-a", "/s/2-b", "/s/0-system"])),
            ("/s/1-a".to_owned(), info(&["/s/3-c"])),
            ("/s/2-b".to_owned(), info(&["/s/1-a"])),
            ("/s/3-c".to_owned(), info(&["/s/2-b"])),
        ]);
        let chains = chains("/s/0-system", |path| references(&closure, path));
        assert_eq!(chains["/s/3-c"], ["/s/0-system", "/s/1-a", "/s/3-c"]);
        assert_eq!(chains["/s/0-system"], ["/s/0-system"]);
        assert_eq!(chains.len(), 4);
    }
}
