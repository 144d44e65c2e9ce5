//! Information about derivations from Nix.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use netboot_core::Context;
use serde::Deserialize;

use crate::error::Error;
use crate::runner::Runner;
use crate::stop::Stop;

/// The number of derivations that one call of Nix reads.
const AT_ONCE: usize = 500;

/// The attributes that tell a package from a file that NixOS generates.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DerivationInfo {
    /// The attribute `name`, the beginning of the names of all outputs.
    pub(crate) name: String,
    /// The attribute `pname` of packages in nixpkgs.
    pub(crate) package: Option<String>,
    /// The attribute `version` of packages in nixpkgs.
    pub(crate) version: Option<String>,
    /// True if nixpkgs' functions for short texts and scripts made it, such as `writeText`,
    /// `runCommand` and `buildEnv`.
    pub(crate) is_generated: bool,
}

/// The forms of `nix show-derivation`: a map from paths, since 2.33 inside of another set and with
/// names instead of paths.
#[derive(Deserialize)]
#[serde(untagged)]
enum Answer {
    Inner { derivations: BTreeMap<String, Derivation> },
    Map(BTreeMap<String, Derivation>),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Derivation {
    env: BTreeMap<String, String>,
    structured_attrs: Option<serde_json::Value>,
}

/// Information about those of `derivations` that are in this store, by their names with the hash.
/// Paths from a binary cache have derivers that are elsewhere.
pub(crate) async fn derivations(
    runner: &Runner,
    derivations: &[&str],
    context: &Context,
) -> Result<BTreeMap<String, DerivationInfo>, Stop> {
    let here: Vec<&&str> = derivations.iter().filter(|path| Path::new(path).exists()).collect();
    let mut found = BTreeMap::new();
    for some in here.chunks(AT_ONCE) {
        // Later versions call it `nix derivation show`, and have the old name too.
        let mut arguments: Vec<OsString> = vec!["show-derivation".into(), "--".into()];
        arguments.extend(some.iter().map(OsString::from));
        let output = runner.answer(&arguments, context).await?;
        found.extend(read(&output)?);
    }
    Ok(found)
}

fn read(json: &[u8]) -> Result<BTreeMap<String, DerivationInfo>, Error> {
    let answer: Answer = serde_json::from_slice(json).map_err(|error| Error::UnreadableOutput {
        program: "nix show-derivation".to_owned(),
        problem: error.to_string().into(),
    })?;
    let (Answer::Inner { derivations } | Answer::Map(derivations)) = answer;
    let name = |path: String| path.rsplit('/').next().unwrap_or_default().to_owned();
    Ok(derivations.into_iter().map(|(path, derivation)| (name(path), info(&derivation))).collect())
}

fn info(derivation: &Derivation) -> DerivationInfo {
    // Until 2.30, structured attributes are a text in the environment.
    let text = derivation.env.get("__json").and_then(|text| serde_json::from_str(text).ok());
    let structured = derivation.structured_attrs.as_ref().or(text.as_ref());
    let attribute = |name: &str| -> Option<String> {
        let text = match structured {
            Some(attributes) => attributes.get(name)?.as_str()?,
            None => derivation.env.get(name)?,
        };
        (!text.is_empty()).then(|| text.to_owned())
    };
    DerivationInfo {
        name: attribute("name").unwrap_or_default(),
        package: attribute("pname"),
        version: attribute("version"),
        is_generated: attribute("buildCommand").or_else(|| attribute("text")).is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_read() {
        let attributes = r#"{"name":"a-1","pname":"a","version":"1"}"#;
        let json = attributes.replace('"', "\\\"");
        let expected = DerivationInfo {
            name: "a-1".to_owned(),
            package: Some("a".to_owned()),
            version: Some("1".to_owned()),
            is_generated: false,
        };
        for text in [
            format!(r#"{{"/s/h-a.drv":{{"env":{attributes}}}}}"#),
            format!(r#"{{"/s/h-a.drv":{{"env":{{"__json":"{json}"}}}}}}"#),
            format!(
                r#"{{"derivations":{{"h-a.drv":{{"env":{{}},"structuredAttrs":{attributes}}}}},"version":4}}"#
            ),
        ] {
            let found = read(text.as_bytes()).unwrap();
            assert_eq!(found, BTreeMap::from([("h-a.drv".to_owned(), expected.clone())]), "{text}");
        }
        assert!(matches!(read(b"[]").unwrap_err(), Error::UnreadableOutput { .. }));
    }
}
