//! Information about store paths from Nix's database.

use std::collections::BTreeMap;
use std::ffi::OsString;

use netboot_core::Context;
use serde::Deserialize;

use crate::error::Error;
use crate::runner::Runner;
use crate::stop::Stop;

/// Information about a valid store path.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PathInfo {
    /// The hash of its NAR, in the form `sha256-<base64>`.
    pub(crate) nar_hash: String,
    /// The size of the NAR in bytes, without compression.
    pub(crate) nar_size: u64,
    /// The store paths that its files reference, possibly including itself.
    pub(crate) references: Vec<String>,
    /// The derivation that built it, if Nix knows it.
    pub(crate) deriver: Option<String>,
    /// The size of the closure in bytes.
    pub(crate) closure_size: Option<u64>,
}

/// The forms of `nix path-info --json`: an array until Nix 2.18, then a map from paths. Since 2.33,
/// references in the map may be names without the store directory.
#[derive(Deserialize)]
#[serde(untagged)]
enum Answer {
    Array(Vec<Named>),
    Map(BTreeMap<String, Option<PathInfo>>),
}

#[derive(Deserialize)]
struct Named {
    path: String,
    #[serde(default = "yes")]
    valid: bool,
    #[serde(flatten)]
    info: Option<PathInfo>,
}

fn yes() -> bool {
    true
}

/// Information about the closure of `paths`, by path.
pub(crate) async fn closure(
    runner: &Runner,
    paths: &[&str],
    context: &Context,
) -> Result<BTreeMap<String, PathInfo>, Stop> {
    let options = ["path-info", "--json", "--recursive", "--closure-size", "--"];
    let arguments: Vec<OsString> = options.iter().chain(paths).map(OsString::from).collect();
    let output = runner.answer(&arguments, context).await?;
    Ok(read(&output)?)
}

/// Reads the answer without invalid paths.
pub(crate) fn read(json: &[u8]) -> Result<BTreeMap<String, PathInfo>, Error> {
    let answer: Answer = serde_json::from_slice(json).map_err(|error| Error::UnreadableOutput {
        program: "nix path-info".to_owned(),
        problem: error.to_string().into(),
    })?;
    Ok(match answer {
        Answer::Array(paths) => paths
            .into_iter()
            .filter(|named| named.valid)
            .filter_map(|named| Some((named.path, named.info?)))
            .collect(),
        Answer::Map(paths) => {
            paths.into_iter().filter_map(|(path, info)| Some((path, info?))).collect()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_read() {
        let one = r#"{"narHash":"sha256-x","narSize":7,"references":["/s/a"],"closureSize":9}"#;
        let array = format!(
            r#"[{{"path":"/s/a",{},{{"path":"/s/b","valid":false}}]"#,
            one.trim_start_matches('{')
        );
        let map = format!(r#"{{"/s/a":{one},"/s/b":null}}"#);
        let expected = PathInfo {
            nar_hash: "sha256-x".to_owned(),
            nar_size: 7,
            references: vec!["/s/a".to_owned()],
            deriver: None,
            closure_size: Some(9),
        };
        for text in [array, map] {
            let found = read(text.as_bytes()).unwrap();
            assert_eq!(found, BTreeMap::from([("/s/a".to_owned(), expected.clone())]), "{text}");
        }
        assert!(matches!(read(b"[").unwrap_err(), Error::UnreadableOutput { .. }));
    }
}
