//! The inputs of a locked flake.

use std::collections::{BTreeSet, VecDeque};

use serde_json::Value;

/// An input in `flake.lock`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LockedInput {
    /// The names of the inputs that lead to it, with slashes between them.
    pub(crate) path: String,
    nar_hash: Option<String>,
    revision: Option<String>,
}

impl LockedInput {
    /// Returns true if a message contains the hash or the revision of the input.
    pub(crate) fn is_named_in(&self, message: &str) -> bool {
        let parts = [&self.nar_hash, &self.revision];
        parts.into_iter().flatten().any(|part| part.len() > 6 && message.contains(part.as_str()))
    }
}

/// The inputs in `locks` of `nix flake metadata --json`, each by its shortest path.
pub(crate) fn locked_inputs(locks: &Value) -> Vec<LockedInput> {
    let root = locks["root"].as_str().unwrap_or("root");
    let (mut seen, mut found) = (BTreeSet::from([root]), Vec::new());
    let mut open = VecDeque::from([(root, String::new())]);
    while let Some((node, prefix)) = open.pop_front() {
        let inputs = locks["nodes"][node]["inputs"].as_object();
        for (name, target) in inputs.into_iter().flatten() {
            // An input that follows another one has a list here.
            let Some(target) = target.as_str().filter(|target| seen.insert(target)) else {
                continue;
            };
            let path = format!("{prefix}{name}");
            let locked = &locks["nodes"][target]["locked"];
            let text = |name: &str| locked[name].as_str().map(str::to_owned);
            open.push_back((target, format!("{path}/")));
            found.push(LockedInput { path, nar_hash: text("narHash"), revision: text("rev") });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_input_has_its_shortest_path() {
        let locks = serde_json::json!({ "root": "root", "nodes": {
            "root": { "inputs": { "home": "home", "pkgs": "pkgs" } },
            "home": { "inputs": { "pkgs": ["pkgs"], "utils": "utils", "again": "pkgs" },
                      "locked": { "narHash": "sha256-home" } },
            "pkgs": { "locked": { "narHash": "sha256-pkgs", "rev": "0123456789" } },
            "utils": { "inputs": { "home": "home" }, "locked": { "narHash": "sha256-utils" } },
        } });
        let found = locked_inputs(&locks);
        let paths: Vec<&str> = found.iter().map(|input| input.path.as_str()).collect();
        assert_eq!(paths, ["home", "pkgs", "home/utils"]);
        assert!(found[1].is_named_in("no 0123456789 here") && !found[0].is_named_in("sha256-pkgs"));
        assert_eq!(locked_inputs(&Value::Null), []);
    }
}
