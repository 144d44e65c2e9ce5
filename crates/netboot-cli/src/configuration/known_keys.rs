//! Finds keys that the schema does not have.

use std::collections::BTreeSet;
use std::ops::Range;

use serde_json::Value;
use toml::de::{DeTable, DeValue};

use super::Configuration;

/// A key that its table does not have.
#[derive(Debug)]
pub(super) struct UnknownKey {
    /// The place of the key in the text, in bytes.
    pub(super) place: Range<usize>,
    /// The table, such as `targets.osaka`; empty for the whole file.
    pub(super) table: String,
    pub(super) key: String,
    /// The keys of the table.
    pub(super) known: Vec<String>,
}

/// The first key, in the order of the text, that the schema does not have.
pub(super) fn find_unknown(table: &DeTable<'_>) -> Option<UnknownKey> {
    let root = Configuration::json_schema();
    let mut search = Search { root: &root, found: Vec::new() };
    search.table(table, &root, "");
    search.found.into_iter().min_by_key(|unknown| unknown.place.start)
}

struct Search<'a> {
    root: &'a Value,
    found: Vec<UnknownKey>,
}

impl<'a> Search<'a> {
    fn table(&mut self, table: &DeTable<'_>, schema: &'a Value, name: &str) {
        let forms = self.forms(schema);
        let properties: Vec<_> =
            forms.iter().filter_map(|form| form.get("properties")?.as_object()).collect();
        let others = forms.iter().find_map(|form| form.get("additionalProperties"));
        let others = others.filter(|schema| schema.is_object());
        if properties.is_empty() && others.is_none() {
            // No table can stand here, which the conversion says better.
            return;
        }
        for (key, value) in table {
            let known = properties.iter().find_map(|keys| keys.get(&**key.get_ref()));
            if let Some(schema) = known.or(others) {
                self.value(value.get_ref(), schema, &below(name, key.get_ref()));
                continue;
            }
            let known: BTreeSet<&String> = properties.iter().flat_map(|keys| keys.keys()).collect();
            self.found.push(UnknownKey {
                place: key.span(),
                table: name.to_owned(),
                key: key.get_ref().to_string(),
                known: known.into_iter().cloned().collect(),
            });
        }
    }

    fn value(&mut self, value: &DeValue<'_>, schema: &'a Value, name: &str) {
        match value {
            DeValue::Table(table) => self.table(table, schema, name),
            DeValue::Array(values) => {
                let forms = self.forms(schema);
                let Some(items) = forms.iter().find_map(|form| form.get("items")) else { return };
                values.iter().for_each(|value| self.value(value.get_ref(), items, name));
            }
            _ => {}
        }
    }

    /// The forms that a value may have, without references.
    fn forms(&self, schema: &'a Value) -> Vec<&'a Value> {
        let mut forms = Vec::new();
        let mut open = vec![schema];
        while let Some(schema) = open.pop() {
            let referenced = schema.get("$ref").and_then(Value::as_str);
            open.extend(referenced.and_then(|place| self.root.pointer(place.strip_prefix('#')?)));
            for several in ["anyOf", "oneOf", "allOf"] {
                open.extend(schema.get(several).and_then(Value::as_array).into_iter().flatten());
            }
            forms.push(schema);
        }
        forms
    }
}

fn below(name: &str, key: &str) -> String {
    if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") }
}
