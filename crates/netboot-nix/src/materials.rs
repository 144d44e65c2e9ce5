//! The things that an image was made from, for its documents.

use std::collections::BTreeMap;
use std::path::Path;

use netboot_core::{Materials, Sha256Digest, SourceMaterial, StorePathMaterial};
use serde_json::{Value, json};

use crate::evaluation::Evaluation;
use crate::flake_answer::{Licences, ProfileRequest};
use crate::path_info::PathInfo;
use crate::redaction::Secrets;

/// The things that an image was made from: the store paths of `closure`, the locked flake with its
/// inputs, and the request. Nothing of it depends on the machine that builds.
pub(crate) fn materials(
    evaluation: &Evaluation,
    request: &ProfileRequest,
    closure: &BTreeMap<String, PathInfo>,
    licences: &Licences,
    secrets: &Secrets,
) -> Materials {
    let mut materials = Materials::default();
    for (path, info) in closure {
        let mut material = StorePathMaterial::new(info.nar_hash.clone(), info.nar_size);
        let others = info.references.iter().map(|reference| in_store(reference, path));
        material.references = others.filter(|other| other != path).collect();
        material.licences = licences.get(path).cloned().unwrap_or_default();
        materials.store_paths.insert(path.clone(), material);
    }
    let sources = evaluation.sources().into_iter();
    materials.sources = sources
        .map(|(name, (url, hash))| (name, SourceMaterial::new(secrets.hide(&url), hash)))
        .collect();
    let attribute = json!(format!("nixosConfigurations.{}", request.name));
    for (name, value) in [("attribute", attribute), ("overrides", overrides(request))] {
        materials.parameters.insert(name.to_owned(), hidden(value, secrets));
    }
    materials
}

/// The path of a reference, which may be only the name of a path beside `path`.
fn in_store(reference: &str, path: &str) -> String {
    match Path::new(path).parent() {
        Some(store) if !reference.contains('/') => {
            store.join(reference).to_string_lossy().into_owned()
        }
        _ => reference.to_owned(),
    }
}

/// The overrides. Settings may contain secrets, and the paths of modules tell about the machine, so
/// both are told by their hashes.
fn overrides(request: &ProfileRequest) -> Value {
    let mut overrides = json!(request.overrides);
    if let Some(Value::Array(settings)) = overrides.get_mut("settings") {
        for setting in settings {
            *setting = json!({ "sha256": Sha256Digest::of(setting.to_string().as_bytes()) });
        }
    }
    if let Some(Value::Array(modules)) = overrides.get_mut("modules") {
        for module in modules {
            let path = module["path"].as_str().unwrap_or_default();
            module["path"] = json!(path.rsplit('/').next());
        }
    }
    overrides
}

/// A value without secrets.
fn hidden(value: Value, secrets: &Secrets) -> Value {
    match value {
        Value::String(text) => secrets.hide(&text).into(),
        Value::Array(items) => items.into_iter().map(|item| hidden(item, secrets)).collect(),
        Value::Object(entries) => entries
            .into_iter()
            .map(|(key, value)| (secrets.hide(&key), hidden(value, secrets)))
            .collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_may_be_a_name() {
        assert_eq!(in_store("b-x", "/s/a-x"), "/s/b-x");
        assert_eq!(in_store("/s/b-x", "/s/a-x"), "/s/b-x");
    }

    #[test]
    fn a_secret_is_hidden_wherever_it_stands() {
        let mut secrets = Secrets::default();
        secrets.add("hunter22");
        let value = json!({ "a hunter22": ["x=hunter22", 7, null] });
        assert_eq!(hidden(value, &secrets), json!({ "a ***": ["x=***", 7, null] }));
    }
}
