//! The things that an image was made from, for its documents.

use std::collections::BTreeMap;
use std::path::Path;

use netboot_core::{Materials, StorePathMaterial};
use serde_json::{Value, json};
use ssh_key::HashAlg;

use crate::evaluation::Evaluation;
use crate::flake_answer::{Licences, ProfileRequest};
use crate::overrides::authorized_key::public_key;
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
    materials.sources = evaluation.sources(secrets);
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

/// The overrides, as everybody may read them. The derivations pin all of them, so these fields only
/// help to understand an image. Settings may contain passwords that somebody could find by trying
/// their hash, so only their number is told. The path of a module and the comment and options of a
/// key tell about the machine and about people.
fn overrides(request: &ProfileRequest) -> Value {
    let Some(given) = &request.overrides else { return Value::Null };
    let mut overrides = json!(given);
    if let Some(settings) = overrides.get_mut("settings") {
        *settings = json!(settings.as_array().map_or(0, Vec::len));
    }
    for module in overrides["modules"].as_array_mut().into_iter().flatten() {
        *module = json!({ "narHash": module["narHash"] });
    }
    for keys in overrides["authorized_keys"].as_object_mut().into_iter().flatten() {
        for key in keys.1.as_array_mut().into_iter().flatten() {
            *key = json!(key.as_str().and_then(fingerprint));
        }
    }
    overrides
}

/// The fingerprint of a key, as `ssh-keygen -l` prints it.
fn fingerprint(line: &str) -> Option<String> {
    Some(public_key(line).ok()?.fingerprint(HashAlg::Sha256).to_string())
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
