//! Every hint is tried by following it: a table of each crate names the test that did.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{
    Attribute, Expr, ExprCall, ExprMethodCall, FieldValue, ImplItemFn, ItemFn, ItemMod, LitStr,
    Local, Macro, Member, Pat, Token,
};

use crate::sources::{files, is_for_tests, root, source_directories};

/// Parts of the names of functions and fields that give hints.
const NAMES: [&str; 3] = ["hint", "remedy", "rule"];

/// Functions and methods whose last argument is a hint.
const GIVERS: [&str; 4] = ["Report::message", "Problem::new", "Refusal::new", "refusal"];

/// Methods that look for their argument.
const SEARCHES: [&str; 5] = ["contains", "starts_with", "ends_with", "find", "split"];

/// The variable that makes the test add missing rows to the tables and remove obsolete ones.
const WRITE: &str = "NETBOOT_HINTS";

/// Collects the sentences of hints in a source file.
#[derive(Default)]
struct Hints {
    /// The number of functions and fields of hints around the place.
    depth: usize,
    /// True to look also into variables, and into the calls of [`GIVERS`].
    is_thorough: bool,
    found: BTreeSet<String>,
}

impl Hints {
    fn within(&mut self, name: &str, walk: impl FnOnce(&mut Self)) {
        // `with_…` functions set a hint that somebody else wrote.
        let gives = NAMES.iter().any(|part| name.contains(part)) && !name.starts_with("with_");
        self.depth += usize::from(gives);
        walk(self);
        self.depth -= usize::from(gives);
    }

    /// Looks at the arguments of a call, of which the last one is a hint.
    fn give(&mut self, arguments: &Punctuated<Expr, Token![,]>) {
        let last = arguments.len().saturating_sub(1);
        for (index, argument) in arguments.iter().enumerate() {
            let name = if index == last { "hint" } else { "" };
            self.within(name, |this| this.visit_expr(argument));
        }
    }
}

impl<'ast> Visit<'ast> for Hints {
    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        if !module.attrs.iter().any(is_for_tests) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        let name = function.sig.ident.to_string();
        self.within(&name, |this| visit::visit_item_fn(this, function));
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        let name = function.sig.ident.to_string();
        self.within(&name, |this| visit::visit_impl_item_fn(this, function));
    }

    fn visit_field_value(&mut self, field: &'ast FieldValue) {
        let Member::Named(name) = &field.member else { return };
        self.within(&name.to_string(), |this| visit::visit_field_value(this, field));
    }

    /// Texts that `said("…")` looks for are no hints.
    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        let Expr::Path(function) = &*call.func else { return visit::visit_expr_call(self, call) };
        let names = function.path.segments.iter().map(|segment| segment.ident.to_string());
        let names: Vec<String> = names.collect();
        let name = names[names.len().saturating_sub(2)..].join("::");
        if self.is_thorough && GIVERS.contains(&name.as_str()) {
            self.give(&call.args);
        } else if !function.path.is_ident("said") {
            visit::visit_expr_call(self, call);
        }
    }

    /// Texts that a call looks for are no hints.
    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        let method = call.method.to_string();
        if method == "any" {
            // A list of texts to look for.
        } else if self.is_thorough && GIVERS.contains(&method.as_str()) {
            self.give(&call.args);
        } else if SEARCHES.contains(&method.as_str()) {
            self.visit_expr(&call.receiver);
        } else {
            visit::visit_expr_method_call(self, call);
        }
    }

    /// A variable that has the name of a hint gets one.
    fn visit_local(&mut self, local: &'ast Local) {
        let name = match &local.pat {
            Pat::Ident(variable) if self.is_thorough => variable.ident.to_string(),
            _ => String::new(),
        };
        self.within(&name, |this| visit::visit_local(this, local));
    }

    /// A pattern is compared with, and not given.
    fn visit_pat(&mut self, _: &'ast Pat) {}

    fn visit_attribute(&mut self, _: &'ast Attribute) {}

    fn visit_macro(&mut self, call: &'ast Macro) {
        let arguments = call.parse_body_with(Punctuated::<Expr, Token![,]>::parse_terminated);
        for argument in arguments.unwrap_or_default() {
            // The visitor cannot keep a reference into the parsed arguments.
            let mut inner = Self { found: BTreeSet::new(), ..*self };
            inner.visit_expr(&argument);
            self.found.extend(inner.found);
        }
    }

    fn visit_lit_str(&mut self, text: &'ast LitStr) {
        let text = text.value();
        let is_word = |word: &&str| word.len() > 1 && word.chars().all(char::is_alphabetic);
        if self.depth > 0 && text.split(' ').filter(is_word).count() > 1 {
            self.found.insert(cell(&text));
        }
    }
}

/// Returns a text as a cell of a Markdown table.
fn cell(text: &str) -> String {
    text.trim().replace('\n', "\\n").replace('|', "\\|")
}

/// Returns the hints in the sources of a crate. The contract suites are tests.
fn hints(source: &Path) -> BTreeSet<String> {
    // What examples answer is held by their own tests.
    let is_thorough = source.starts_with(root().join("crates"));
    let mut hints = Hints { is_thorough, ..Hints::default() };
    for path in files(source) {
        if path.iter().all(|name| name != "contract" && name != "contract.rs") {
            hints.visit_file(&syn::parse_file(&fs::read_to_string(&path).unwrap()).unwrap());
        }
    }
    hints.found
}

/// Returns the rows of a table: for each hint, the test or the reason why there is none.
fn rows(table: &str) -> BTreeMap<String, String> {
    let rows = table.lines().filter_map(|line| line.strip_prefix("| ")).skip(1);
    let cells = rows.map(|row| row.trim_end_matches('|').rsplit_once(" | ").unwrap_or((row, "")));
    cells.map(|(hint, tried)| (hint.trim().to_owned(), tried.trim().to_owned())).collect()
}

fn table(package: &str, rows: &BTreeMap<String, String>) -> String {
    let mut text = format!(
        "# Hints of {package}, and the tests that follow them\n\n| hint | tried by |\n|---|---|\n"
    );
    for (hint, tried) in rows {
        writeln!(text, "| {hint} | {tried} |").unwrap();
    }
    text
}

/// Returns the directories of the crates by their names.
fn packages() -> BTreeMap<String, PathBuf> {
    let named = |source: PathBuf| {
        let directory = source.parent().unwrap().to_owned();
        let manifest = fs::read_to_string(directory.join("Cargo.toml")).unwrap();
        let manifest: toml::Table = manifest.parse().unwrap();
        (manifest["package"]["name"].as_str().unwrap().to_owned(), directory)
    };
    source_directories().into_iter().map(named).collect()
}

/// Says what is wrong with the second cell of a row.
fn problem(tried: &str, package: &str, packages: &BTreeMap<String, PathBuf>) -> Option<String> {
    if let Some(reason) = tried.strip_prefix("not tried: ") {
        return (reason.split(' ').count() < 4).then(|| "the reason is too short".to_owned());
    }
    let Some(test) = tried.strip_prefix('`').and_then(|test| test.strip_suffix('`')) else {
        return Some("name a test, as `module::test` or `package module::test`".to_owned());
    };
    let (package, test) = test.split_once(' ').unwrap_or((package, test));
    let Some(directory) = packages.get(package) else {
        return Some(format!("there is no crate {package}"));
    };
    let mut names = test.rsplit("::");
    let name = names.next().unwrap_or_default();
    let module = names.find(|name| *name != "tests").unwrap_or("lib");
    let is_module = |path: &PathBuf| path.file_stem().is_some_and(|stem| stem == module);
    let has_test = |path: PathBuf| has_test(&fs::read_to_string(path).unwrap(), name);
    let found = files(directory).into_iter().filter(is_module).any(has_test);
    (!found).then(|| format!("{package} has no test {test}"))
}

/// Returns true if a source has a test of this name: a function with the attribute, a row of the
/// table from which tests of Nix's causes are made, or a promise that a contract suite checks.
fn has_test(source: &str, name: &str) -> bool {
    let function = format!("fn {name}(");
    let row = format!("    {name} in ");
    let lines: Vec<&str> = source.lines().collect();
    let is_test = |index: usize| {
        let above = lines[..index].iter().rev();
        let mut attributes = above.take_while(|line| line.trim_start().starts_with("#["));
        attributes.any(|line| line.contains("#[test]") || line.contains("#[tokio::test"))
    };
    lines.iter().enumerate().any(|(index, line)| {
        line.contains(&function) && (is_test(index) || line.contains("(make: Make<'_>)"))
            || line.starts_with(&row)
    })
}

/// A hint that fails when followed is worse than none. `NETBOOT_HINTS=write` adds the rows of new
/// hints to the tables; a person fills in the tests.
#[test]
fn each_hint_is_followed_by_a_test() {
    let packages = packages();
    let (mut wrong, mut count) = (Vec::new(), 0);
    for (package, directory) in &packages {
        let hints = hints(&directory.join("src"));
        let path = directory.join("tests/hints.md");
        let written = rows(&fs::read_to_string(&path).unwrap_or_default());
        let tried = |hint: &String| written.get(hint).cloned().unwrap_or_default();
        let wanted: BTreeMap<_, _> = hints.iter().map(|hint| (hint.clone(), tried(hint))).collect();
        if env::var_os(WRITE).is_some() && !wanted.is_empty() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, table(package, &wanted)).unwrap();
        }
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        for (hint, tried) in &wanted {
            if let Some(problem) = problem(tried, package, &packages) {
                wrong.push(format!("{name}: {hint}: {problem}"));
            }
        }
        let obsolete = written.keys().filter(|hint| !wanted.contains_key(*hint));
        wrong.extend(obsolete.map(|hint| format!("{name}: no source has the hint {hint}")));
        count += wanted.len();
    }
    assert!(count > 200, "{count} hints");
    assert!(wrong.is_empty(), "{} rows:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn hints_are_found_where_they_are_written() {
    let source = r#"
        fn hint() { if said("not one") || ["nor one"].iter().any(f) { y } match x { A if x.contains("not this one") => "do one thing", "nor this one" => y, B => format!("do {} at {place}", "the other") } }
        fn size_rule() { const TEXT: &str = "one two three|four"; }
        fn label() { "no hint at all" }
        fn make() { Error::Build { message: "it is wrong", hint: Some("mend it now".into()) } }
        fn with_hint() { "set by a caller" }
        #[cfg(test)] mod tests { fn hint() { "only in a test" } }
        fn other_hint() { "; " }
        fn refuse() { let hint = format!("move it away"); let text = "no hint here"; Report::message("it is there", "take another one") }
        fn check(&self) { Err(self.refusal("a key", "it is wrong", "correct this value")) }
    "#;
    let mut hints = Hints { is_thorough: true, ..Hints::default() };
    hints.visit_file(&syn::parse_file(source).unwrap());
    let found: Vec<&str> = hints.found.iter().map(String::as_str).collect();
    assert_eq!(
        found,
        [
            "correct this value",
            "do one thing",
            "do {} at {place}",
            "mend it now",
            "move it away",
            "one two three\\|four",
            "take another one",
            "the other"
        ]
    );
    let rows = rows("| hint | tried by |\n|---|---|\n| do \\| it | `a::b` |\n| c |  |\n");
    let rows: Vec<_> = rows.iter().map(|(hint, tried)| (hint.as_str(), tried.as_str())).collect();
    assert_eq!(rows, [("c", ""), ("do \\| it", "`a::b`")]);
}

#[test]
fn a_row_names_a_test_that_exists() {
    let packages = packages();
    let of = |tried: &str| problem(tried, "xtask", &packages);
    assert_eq!(of("`hints::a_row_names_a_test_that_exists`"), None);
    assert_eq!(of("`xtask hints::a_row_names_a_test_that_exists`"), None);
    assert_eq!(of("not tried: a person replaces the disk"), None);
    for wrong in [
        "",
        "not tried: no",
        "hints::a_row_names_a_test_that_exists",
        "`sources::a_row_names_a_test_that_exists`",
        "`hints::has_test`",
        "`nobody hints::a_row_names_a_test_that_exists`",
    ] {
        assert!(of(wrong).is_some(), "{wrong}");
    }
}
