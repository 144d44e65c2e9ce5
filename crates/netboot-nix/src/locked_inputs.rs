//! The inputs of a locked flake.

use std::collections::{BTreeSet, VecDeque};

use serde_json::Value;

/// An input in `flake.lock`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LockedInput {
    /// The names of the inputs that lead to it, with slashes between them.
    pub(crate) path: String,
    /// The URL, which names the content if `nar_hash` does not. It may contain credentials.
    pub(crate) url: String,
    pub(crate) nar_hash: Option<String>,
    pub(crate) revision: Option<String>,
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
            let (nar_hash, revision) = (text("narHash"), text("rev"));
            found.push(LockedInput { path, url: url(locked), nar_hash, revision });
        }
    }
    found
}

/// The URL of a locked input (Nix manual, "Flake references").
fn url(locked: &Value) -> String {
    let text = |name: &str| locked[name].as_str().unwrap_or_default();
    let kind = text("type");
    let (address, given): (String, &[&str]) = match kind {
        "github" | "gitlab" | "sourcehut" => {
            (format!("{kind}:{}/{}/{}", text("owner"), text("repo"), text("rev")), &["host", "dir"])
        }
        "git" | "hg" => (format!("{kind}+{}", text("url")), &["ref", "rev", "dir"]),
        "path" => (format!("path:{}", text("path")), &["dir"]),
        _ => (text("url").to_owned(), &["dir"]),
    };
    let given = given.iter().map(|name| (name, text(name))).filter(|(_, value)| !value.is_empty());
    let query: Vec<String> = given.map(|(name, value)| format!("{name}={value}")).collect();
    match (query.is_empty(), address.contains('?')) {
        (true, _) => address,
        (false, true) => format!("{address}&{}", query.join("&")),
        (false, false) => format!("{address}?{}", query.join("&")),
    }
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

    #[test]
    fn the_url_of_an_input_names_its_revision() {
        for (locked, expected) in [
            (
                r#"{"type":"github","owner":"NixOS","repo":"nixpkgs","rev":"1f"}"#,
                "github:NixOS/nixpkgs/1f",
            ),
            (
                r#"{"type":"gitlab","owner":"a","repo":"b","rev":"1f","host":"git.example.org"}"#,
                "gitlab:a/b/1f?host=git.example.org",
            ),
            (
                r#"{"type":"git","url":"ssh://git@host/x","ref":"main","rev":"1f"}"#,
                "git+ssh://git@host/x?ref=main&rev=1f",
            ),
            (r#"{"type":"path","path":"/srv/infra"}"#, "path:/srv/infra"),
            (r#"{"type":"tarball","url":"https://h/x?a=1","dir":"b"}"#, "https://h/x?a=1&dir=b"),
            ("7", ""),
        ] {
            assert_eq!(url(&serde_json::from_str(locked).unwrap()), expected);
        }
    }
}
