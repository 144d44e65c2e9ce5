//! The page of the book with every key of `netboot.toml`, which is made of the schema.

use std::collections::BTreeSet;
use std::fmt::Write;

use netboot_cli::configuration::Configuration;
use serde_json::Value;

use crate::schema::{Schema, as_json, assert_file, read};

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
