//! The schema of `netboot.toml`, and the example that obeys it.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use netboot_cli::configuration::Configuration;
use serde_json::{Map, Value};

fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(repository(path)).unwrap()
}

/// Compares a file with a text. `UPDATE_GOLDEN=1` writes the file instead.
pub(crate) fn assert_file(path: &str, expected: &str) {
    netboot_testbed::assert_golden(&repository(path), expected);
}

/// The annotated example, with the keys that its comments have.
fn example() -> String {
    let text = read("examples/deployer/netboot.toml");
    assert!(text.starts_with("#:schema ../../crates/netboot-cli/netboot.schema.json\n"));
    let uncommented = |line: &str| {
        let rest = line.strip_prefix("# ").unwrap_or(line);
        let word = rest.split(['=', '#']).next().unwrap_or_default().trim();
        let is_key = rest.contains('=')
            && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        let is_table = rest.starts_with('[') && !rest.contains("]]:");
        if (is_key && !word.is_empty()) || is_table { rest } else { line }.to_owned()
    };
    let lines: Vec<String> = text.lines().map(uncommented).collect();
    lines.join("\n")
}

/// The schema without its references and the alternatives that only allow `null`.
pub(crate) struct Schema(pub(crate) Value);

impl Schema {
    pub(crate) fn forms<'a>(&'a self, schema: &'a Value) -> Vec<&'a Value> {
        if let Some(place) = schema.get("$ref").and_then(Value::as_str) {
            return self.forms(self.0.pointer(place.trim_start_matches('#')).unwrap());
        }
        let several = ["anyOf", "oneOf"].iter().find_map(|key| schema.get(*key)?.as_array());
        match several {
            Some(forms) => forms.iter().flat_map(|form| self.forms(form)).collect(),
            None => vec![schema],
        }
    }

    /// The first place at which a value breaks a rule.
    pub(crate) fn problem(&self, value: &Value, schema: &Value, place: &str) -> Option<String> {
        let problems: Vec<_> = self
            .forms(schema)
            .into_iter()
            .map(|form| self.problem_of_form(value, form, place))
            .collect();
        let sound = problems.iter().any(Option::is_none);
        if sound { None } else { problems.into_iter().flatten().next() }
    }

    fn problem_of_form(&self, value: &Value, form: &Value, place: &str) -> Option<String> {
        let is_type = |name: &str| match name {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_i64() || value.is_u64(),
            "null" => value.is_null(),
            other => panic!("the schema has the type {other}"),
        };
        let types: Vec<&str> = match &form["type"] {
            Value::String(name) => vec![name],
            Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let in_list = form["enum"].as_array().is_none_or(|list| list.contains(value));
        let is_const = form.get("const").is_none_or(|only| only == value);
        let minimum = form["minimum"].as_i64().unwrap_or(i64::MIN);
        let is_enough = value.as_i64().is_none_or(|number| number >= minimum);
        if !types.iter().any(|name| is_type(name)) || !in_list || !is_const || !is_enough {
            return Some(format!("{place}: {value} is not {form}"));
        }
        if let Some(values) = value.as_array() {
            let items = form.get("items")?;
            return values.iter().find_map(|value| self.problem(value, items, place));
        }
        let object = value.as_object()?;
        let no_keys = Map::new();
        let keys = form["properties"].as_object().unwrap_or(&no_keys);
        let required = form["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        if let Some(missing) = required.into_iter().find(|key| !object.contains_key(*key)) {
            return Some(format!("{place}: there is no {missing}"));
        }
        object.iter().find_map(|(key, value)| {
            let below = format!("{place}.{key}");
            match keys.get(key).or_else(|| form.get("additionalProperties")) {
                None | Some(Value::Bool(false)) => Some(format!("{below} does not exist")),
                Some(schema) => self.problem(value, schema, &below),
            }
        })
    }

    /// All keys, as `table.key`.
    fn keys(&self, schema: &Value, table: &str, found: &mut BTreeSet<String>) {
        for form in self.forms(schema) {
            for (key, schema) in form["properties"].as_object().into_iter().flatten() {
                let place = if table.is_empty() { key.clone() } else { format!("{table}.{key}") };
                self.keys(schema, &place, found);
                found.insert(place);
            }
            if let Some(items) = form.get("items") {
                self.keys(items, table, found);
            }
            if let Some(values) = form.get("additionalProperties").filter(|it| it.is_object()) {
                self.keys(values, &format!("{table}.NAME"), found);
            }
        }
    }
}

/// The keys that a value has, as [`Schema::keys`] names them.
fn keys_of(value: &Value, table: &str, named: &[&str], found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                let key = if named.contains(&table) { "NAME" } else { key };
                let place =
                    if table.is_empty() { key.to_owned() } else { format!("{table}.{key}") };
                keys_of(value, &place, named, found);
                found.insert(place);
            }
        }
        Value::Array(values) => values.iter().for_each(|it| keys_of(it, table, named, found)),
        _ => {}
    }
}

pub(crate) fn as_json(text: &str) -> Value {
    let table: toml::Table = text.parse().unwrap_or_else(|error| panic!("{error}"));
    serde_json::to_value(table).unwrap()
}

#[test]
fn the_schema_is_that_of_the_types() {
    let text = format!("{:#}\n", Configuration::json_schema());
    assert_file("crates/netboot-cli/netboot.schema.json", &text);
}

#[test]
fn the_annotated_example_has_every_key_and_is_valid() {
    let schema = Schema(Configuration::json_schema());
    let text = example();
    let value = as_json(&text);
    assert_eq!(schema.problem(&value, &schema.0, "netboot.toml"), None);
    Configuration::parse(&text, "netboot.toml").unwrap();

    let (mut known, mut shown) = (BTreeSet::new(), BTreeSet::new());
    schema.keys(&schema.0, "", &mut known);
    keys_of(&value, "", &["targets", "machines.known.labels"], &mut shown);
    let free = ["targets.NAME", "machines.known.match.settings.", "machines.known.labels."];
    shown.retain(|key| {
        !free.iter().any(|free| key == free || free.ends_with('.') && key.starts_with(free))
    });
    // One form of this key is a table.
    known.remove("machines.unknown.profile");
    assert_eq!(shown, known);
}

#[test]
fn the_schema_refuses_what_is_not_in_it() {
    let schema = Schema(Configuration::json_schema());
    for (text, problem) in [
        ("nothing = 1", "netboot.toml.nothing does not exist"),
        ("[flake]\nreference = 1", "netboot.toml.flake.reference: 1 is not"),
        ("[[profiles]]\ntitle = 'x'", "netboot.toml.profiles: there is no name"),
        ("[targets]\nx = { port = 22 }", "netboot.toml.targets.x"),
        ("[targets]\nx = { location = 'x', prot = 22 }", "netboot.toml.targets.x"),
        ("[retention]\nreleases = -1", "netboot.toml.retention.releases: -1 is not"),
        ("[machines]\nunknown = 'reject'", "netboot.toml.machines.unknown: \"reject\" is not"),
        ("[deployer]\nactivation = 'some'", "netboot.toml.deployer.activation: \"some\" is not"),
    ] {
        let said = schema.problem(&as_json(text), &schema.0, "netboot.toml").unwrap();
        assert!(said.starts_with(problem), "{said}");
        Configuration::parse(text, "netboot.toml").unwrap_err();
    }
}
