//! `netboot.toml` comes back from what it is written as.

use netboot_cli::Error;
use netboot_cli::configuration::Configuration;
use proptest::prelude::*;
use serde_json::{Value, json};

fn parse(text: &str) -> Result<Configuration, Error> {
    Configuration::parse(text, "netboot.toml")
}

/// A value, or none.
fn some(value: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Option<Value>> {
    prop::option::of(value).boxed()
}

/// A table with some of these keys.
fn table(keys: Vec<(&'static str, BoxedStrategy<Option<Value>>)>) -> BoxedStrategy<Value> {
    let (names, values): (Vec<_>, Vec<_>) = keys.into_iter().unzip();
    let fill = move |values: Vec<Option<Value>>| {
        let pairs = names.iter().zip(values);
        Value::Object(pairs.filter_map(|(key, value)| Some(((*key).to_owned(), value?))).collect())
    };
    values.prop_map(fill).boxed()
}

fn text(pattern: &'static str) -> BoxedStrategy<Value> {
    pattern.prop_map(Value::from).boxed()
}

fn number() -> BoxedStrategy<Value> {
    (1_u32..1_000_000).prop_map(Value::from).boxed()
}

fn flag() -> BoxedStrategy<Value> {
    any::<bool>().prop_map(Value::from).boxed()
}

fn list(of: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    prop::collection::vec(of, 0..3).prop_map(Value::from).boxed()
}

const NAME: &str = "[a-z][a-z0-9]{0,9}";

fn target() -> BoxedStrategy<Value> {
    let path = "[a-z]{1,8}(/[a-z]{1,8}){0,2}";
    let directory = text("/[a-z]{1,8}/[a-z]{1,8}");
    let of_bucket = |name: String| json!(format!("s3://{name}/nixos"));
    let bucket = table(vec![
        ("location", "[a-z]{3,9}".prop_map(of_bucket).prop_map(Some).boxed()),
        ("endpoint", some(text("https://[a-z]{1,8}\\.example\\.org"))),
        ("region", some(text("[a-z]{2}-[a-z]{4}-1"))),
        ("path-style", some(flag())),
        ("allow-http", some(flag())),
    ]);
    let ssh = table(vec![
        (
            "location",
            path.prop_map(|path| json!(format!("user@host:/{path}"))).prop_map(Some).boxed(),
        ),
        ("port", some((1_u16..).prop_map(Value::from))),
        ("identity-file", some(text(path))),
    ]);
    prop_oneof![directory, bucket, ssh].boxed()
}

/// A configuration, as an object.
fn configuration() -> BoxedStrategy<Value> {
    let flake = table(vec![
        ("reference", some(text("github:[a-z]{1,8}/[a-z]{1,8}"))),
        ("configuration", some(text("[a-z]{0,8}-\\{profile\\}[a-z]{0,3}"))),
    ]);
    let profile = |name: Value| {
        let fixed = Just(Some(name)).boxed();
        table(vec![
            ("name", fixed),
            ("title", some(text("[A-Z][a-z \"'\\\\]{0,9}[a-z]"))),
            ("configuration", some(text("[a-z]{1,9}"))),
            ("architecture", some(prop_oneof![Just(json!("x86_64")), Just(json!("aarch64"))])),
            ("services", some(list(text(NAME)))),
            ("kernel-parameters", some(list(text("[a-z]{1,9}(=[a-z0-9]{1,9})?")))),
            ("size-budget", some(number())),
            ("payload", some(prop_oneof![Just(json!("ramdisk")), Just(json!("closure"))])),
        ])
    };
    let profiles = prop::collection::btree_set(NAME, 0..3).prop_flat_map(move |names| {
        names.into_iter().map(|name| profile(Value::from(name))).collect::<Vec<_>>()
    });
    let targets = prop::collection::btree_map(NAME, target(), 0..4);
    let signing = table(vec![
        ("key-file", some(text("[a-z]{1,9}"))),
        ("threshold", some(number())),
        ("pointer-lifetime-hours", some(number())),
        ("replace-untrusted", some(flag())),
    ]);
    let deployer = table(vec![
        ("listen", some(text("127\\.0\\.0\\.1:80[0-9]{2}"))),
        ("url", some(text("http://[a-z]{1,9}/"))),
        ("state-directory", some(text("/[a-z]{1,9}"))),
        (
            "activation",
            some(prop_oneof![Just(json!("all-or-none")), Just(json!("each-by-itself"))]),
        ),
        ("limits", some(table(vec![("connections", some(number()))]))),
        ("hand-over", some(table(vec![("ssh-user", some(text("[a-z]{1,9}")))]))),
    ]);
    table(vec![
        ("flake", some(flake)),
        ("profiles", some(profiles.prop_map(Value::from))),
        ("targets", some(targets.prop_map(|targets| targets.into_iter().collect()))),
        ("signing", some(signing)),
        (
            "retention",
            some(table(vec![("releases", some(number())), ("grace-hours", some(number()))])),
        ),
        ("proof", some(table(vec![("expect", some(list(text("[a-z]{1,9}"))))]))),
        ("deployer", some(deployer)),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_configuration_comes_back_from_what_it_is_written_as(value in configuration()) {
        let text = toml::to_string(&value).unwrap();
        let read = parse(&text).unwrap();
        let written = toml::to_string(&read).unwrap();
        prop_assert_eq!(&parse(&written).unwrap(), &read);
        // Each value of the text is in what is written.
        let written: Value = serde_json::to_value(&read).unwrap();
        prop_assert!(contains(&written, &value), "{} is not {}", written, value);
    }

    #[test]
    fn no_text_makes_the_reader_fail_in_another_way(text in "[\\[\\]a-z.='{}\n -]{0,60}") {
        if let Err(error) = parse(&text) {
            prop_assert!(error.hint().is_some_and(|hint| !hint.is_empty()), "{}", error);
        }
    }
}

/// True if each value is there. An empty list may be absent.
fn contains(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => part.iter().all(|(key, value)| {
            let is_empty = value.as_array().is_some_and(Vec::is_empty);
            is_empty || whole.get(key).is_some_and(|there| contains(there, value))
        }),
        (Value::Array(whole), Value::Array(part)) => {
            whole.len() == part.len() && whole.iter().zip(part).all(|(one, two)| contains(one, two))
        }
        _ => whole == part,
    }
}
