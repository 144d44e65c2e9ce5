//! The chapter about events has the documentation of `netboot_core::Event`. `UPDATE_GOLDEN=1` writes
//! it into the chapter.

use std::fmt::Write;
use std::fs;

use syn::{Attribute, Item, ItemEnum};

use crate::sources::root;

const SOURCE: &str = "crates/netboot-core/src/event.rs";
const MARK: &str = "<!-- The tables are generated from crates/netboot-core/src/event.rs. -->\n";

#[test]
fn the_chapter_about_events_has_their_documentation() {
    let source = syn::parse_file(&fs::read_to_string(root().join(SOURCE)).unwrap()).unwrap();
    let item = |name: &str| {
        source.items.iter().find_map(|item| match item {
            Item::Enum(item) if item.ident == name => Some(item),
            _ => None,
        })
    };
    let tables = format!(
        "{}\n## Phases\n\n{}",
        events(item("Event").unwrap()),
        values(item("Phase").unwrap())
    );
    let path = root().join("docs/events.md");
    let text = fs::read_to_string(&path).unwrap();
    let (before, _) = text.split_once(MARK).unwrap();
    netboot_testbed::assert_golden(&path, &format!("{before}{MARK}\n{tables}"));
}

fn events(item: &ItemEnum) -> String {
    let mut text = String::new();
    for variant in &item.variants {
        let name = kebab(&variant.ident.to_string());
        write!(text, "## `{name}`\n\n{}\n\n| field | meaning |\n|---|---|\n", doc(&variant.attrs))
            .unwrap();
        for field in &variant.fields {
            let rust_name = field.ident.as_ref().unwrap().to_string();
            let name = renamed(&field.attrs).unwrap_or(rust_name);
            writeln!(text, "| `{name}` | {} |", doc(&field.attrs)).unwrap();
        }
        text.push('\n');
    }
    text.trim_end().to_owned() + "\n"
}

fn values(item: &ItemEnum) -> String {
    let mut text = "| `phase` | meaning |\n|---|---|\n".to_owned();
    for variant in &item.variants {
        let name = kebab(&variant.ident.to_string());
        writeln!(text, "| `{name}` | {} |", doc(&variant.attrs)).unwrap();
    }
    text
}

/// The name in the serialised form.
fn kebab(name: &str) -> String {
    let mut kebab = String::new();
    for character in name.chars() {
        if character.is_uppercase() && !kebab.is_empty() {
            kebab.push('-');
        }
        kebab.extend(character.to_lowercase());
    }
    kebab
}

/// The documentation in one line, with the texts of its links to other items.
fn doc(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| {
        let value = attribute.meta.require_name_value().ok()?;
        let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(line), .. }) = &value.value else {
            return None;
        };
        value.path.is_ident("doc").then(|| line.value().trim().to_owned())
    });
    let text = lines.collect::<Vec<_>>().join(" ");
    let mut plain = String::new();
    let mut rest = text.as_str();
    while let Some((before, link)) = rest.split_once('[') {
        let Some((words, after)) = link.split_once("](") else { break };
        let (_, after) = after.split_once(')').unwrap();
        plain += before;
        plain += words;
        rest = after;
    }
    plain + rest
}

/// The name that an attribute of serde gives to a field.
fn renamed(attributes: &[Attribute]) -> Option<String> {
    attributes.iter().find_map(|attribute| {
        let list = attribute.meta.require_list().ok().filter(|list| list.path.is_ident("serde"))?;
        let name = list.tokens.to_string().strip_prefix("rename = ")?.trim_matches('"').to_owned();
        Some(name)
    })
}
