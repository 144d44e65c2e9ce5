//! The schema of `netboot.toml`, the page that is made of it, and the examples that obey it.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use netboot_cli::configuration::Configuration;
use serde_json::{Map, Value};

fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(repository(path)).unwrap()
}

/// Compares a file with a text. `UPDATE_GOLDEN=1` writes the file instead.
fn assert_file(path: &str, expected: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(repository(path), expected).unwrap();
    }
    let hint = "run the test with UPDATE_GOLDEN=1";
    assert!(read(path) == expected, "{path} is not what the types say: {hint}");
}

/// The annotated example, with the keys that its comments have.
fn example() -> String {
    let text = read("examples/deployer/netboot.toml");
    assert!(text.starts_with("#:schema ../../crates/netboot-cli/netboot.schema.json\n"));
    let uncommented = |line: &str| {
        let rest = line.strip_prefix("# ").unwrap_or(line);
        let word = rest.split(['=', '#']).next().unwrap_or_default().trim();
        let is_key = rest.contains('=') && word.chars().all(|c| c.is_ascii_lowercase() || c == '-');
        let is_table = rest.starts_with('[') && !rest.contains("]]:");
        if (is_key && !word.is_empty()) || is_table { rest } else { line }.to_owned()
    };
    let lines: Vec<String> = text.lines().map(uncommented).collect();
    lines.join("\n")
}

/// The schema without its references and the alternatives that only allow `null`.
struct Schema(Value);

impl Schema {
    fn forms<'a>(&'a self, schema: &'a Value) -> Vec<&'a Value> {
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
    fn problem(&self, value: &Value, schema: &Value, place: &str) -> Option<String> {
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

fn as_json(text: &str) -> Value {
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

const PAGE: &str = "docs/netboot-toml.md";

#[test]
fn the_example_of_the_page_is_a_configuration() {
    let page = read(PAGE);
    let text = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    assert!(text.starts_with("#:schema https://"));
    let schema = Schema(Configuration::json_schema());
    assert_eq!(schema.problem(&as_json(text), &schema.0, "netboot.toml"), None);
    Configuration::parse(text, "netboot.toml").unwrap();
}

#[test]
fn the_page_has_every_key() {
    let page = read(PAGE);
    let (begin, end) = ("<!-- keys -->\n", "<!-- end of keys -->\n");
    let (before, rest) = page.split_once(begin).unwrap();
    let (_, after) = rest.split_once(end).unwrap();
    let schema = Schema(Configuration::json_schema());
    let mut tables = String::new();
    schema.page(&schema.0, "", &mut tables);
    assert_file(PAGE, &format!("{before}{begin}{tables}{end}{after}"));
}

impl Schema {
    /// Writes the table of each table's keys.
    fn page(&self, schema: &Value, name: &str, page: &mut String) {
        let mut below = Vec::new();
        let mut rows = String::new();
        for form in self.forms(schema) {
            let required: Vec<&str> = form["required"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            for (key, schema) in form["properties"].as_object().into_iter().flatten() {
                let place = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                let (kind, inner) = self.kind(schema, &place);
                let meaning = schema["description"].as_str().unwrap_or_default();
                below.extend(
                    inner.map(|(schema, heading)| (schema, place.clone(), heading, meaning)),
                );
                let default = match schema.get("default") {
                    _ if required.contains(&key.as_str()) => "required".to_owned(),
                    Some(Value::Object(_)) | None => String::new(),
                    Some(value) => format!("`{value}`"),
                };
                writeln!(rows, "| `{key}` | {kind} | {default} | {} |", cell(meaning)).unwrap();
            }
        }
        if !name.is_empty() {
            *page += "\n| key | type | default | meaning |\n|---|---|---|---|\n";
            *page += &rows;
        }
        for (schema, place, heading, meaning) in below {
            writeln!(page, "\n## `{heading}`\n\n{}", wrapped(meaning)).unwrap();
            self.page(schema, &place, page);
        }
    }

    /// The type of a value in words; and if it has keys of its own, their schema and heading.
    fn kind<'a>(&'a self, schema: &'a Value, place: &str) -> (String, Option<(&'a Value, String)>) {
        let forms: Vec<&Value> =
            self.forms(schema).into_iter().filter(|form| form["type"] != "null").collect();
        let mut kinds = BTreeSet::new();
        let mut inner = None;
        for form in forms {
            let name = match &form["type"] {
                Value::Array(names) => names[0].as_str().unwrap(),
                name => name.as_str().unwrap(),
            };
            let of_list = form.get("items");
            let of_map = form.get("additionalProperties").filter(|it| it.is_object());
            match name {
                "array" => {
                    let (kind, keys) = self.kind(of_list.unwrap(), place);
                    kinds.insert(format!("list of {kind}s"));
                    inner = inner.or(keys.map(|(schema, _)| (schema, format!("[[{place}]]"))));
                }
                "object" if of_map.is_some() => {
                    let place = format!("{place}.NAME");
                    let (kind, keys) = self.kind(of_map.unwrap(), &place);
                    kinds.insert(format!("table of {kind}s"));
                    inner = inner.or(keys);
                }
                "object" => {
                    kinds.insert("table".to_owned());
                    let is_choice = schema.get("oneOf").is_some() || form.get("title").is_some();
                    let has_choice =
                        self.forms(schema).iter().any(|form| form.get("const").is_some());
                    if !has_choice && !is_choice {
                        inner = Some((form, format!("[{place}]")));
                    }
                }
                other => {
                    kinds.insert(other.to_owned());
                }
            }
        }
        let kinds: Vec<String> = kinds.into_iter().collect();
        (kinds.join(" or "), inner)
    }
}

fn cell(text: &str) -> String {
    text.replace('\n', " ").replace('|', "\\|")
}

/// Breaks a text into lines of at most 100 columns.
fn wrapped(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.last_mut().unwrap();
        if last.len() + word.len() + 1 > 100 {
            lines.push(word.to_owned());
        } else {
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    lines.join("\n")
}
