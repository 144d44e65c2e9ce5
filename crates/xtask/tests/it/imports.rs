//! The files of a crate import each other in one direction only.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use syn::visit::{self, Visit};
use syn::{ItemMod, ItemUse, UseTree};

use crate::sources::{files, is_for_tests, source_directories};

/// A module by the names in its path. The root of the crate has none.
type Module = Vec<String>;

/// Collects the paths that a file imports or names, from the root of the crate.
struct Imports {
    module: Module,
    found: BTreeSet<Module>,
}

impl Imports {
    /// Adds a path that starts with `crate`, `self` or `super`. Other paths lead to other crates,
    /// or to items of this file.
    fn add(&mut self, path: &[String]) {
        let mut from = match path.first().map(String::as_str) {
            Some("crate") => Vec::new(),
            Some("self") => self.module.clone(),
            Some("super") => self.module[..self.module.len().saturating_sub(1)].to_vec(),
            _ => return,
        };
        from.extend(path[1..].iter().cloned());
        self.found.insert(from);
    }

    fn add_tree(&mut self, tree: &UseTree, above: &[String]) {
        let below = |name: &syn::Ident| [above, &[name.to_string()]].concat();
        match tree {
            UseTree::Path(path) => self.add_tree(&path.tree, &below(&path.ident)),
            UseTree::Name(name) => self.add(&below(&name.ident)),
            UseTree::Rename(name) => self.add(&below(&name.ident)),
            UseTree::Glob(_) => self.add(above),
            UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.add_tree(tree, above));
            }
        }
    }
}

impl<'ast> Visit<'ast> for Imports {
    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        if !module.attrs.iter().any(is_for_tests) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.add_tree(&item.tree, &[]);
    }

    /// `pub(super)` imports nothing.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.add(&names);
        visit::visit_path(self, path);
    }
}

/// Returns the modules of a crate by the modules that they import. The root is left out, because
/// it exports from all modules.
fn imports(source: &Path) -> BTreeMap<Module, BTreeSet<Module>> {
    let mut trees = BTreeMap::new();
    for path in files(source) {
        let relative = path.strip_prefix(source).unwrap().with_extension("");
        let names = relative.iter().map(|name| name.to_str().unwrap().to_owned());
        let module: Module = names.filter(|name| name != "mod").collect();
        if module == ["lib"] || module == ["main"] {
            continue;
        }
        let tree = syn::parse_file(&fs::read_to_string(&path).unwrap()).unwrap();
        let mut imports = Imports { module: module.clone(), found: BTreeSet::new() };
        imports.visit_file(&tree);
        trees.insert(module, imports.found);
    }
    let defining = |path: &Module| {
        let prefixes = (1..=path.len()).rev().map(|end| path[..end].to_vec());
        prefixes.into_iter().find(|prefix| trees.contains_key(prefix))
    };
    let of = |(module, found): (&Module, &BTreeSet<Module>)| {
        let found = found.iter().filter_map(defining).filter(|found| found != module);
        (module.clone(), found.collect())
    };
    trees.iter().map(of).collect()
}

/// Returns a way of imports from `module` back to it.
fn circle(module: &Module, imports: &BTreeMap<Module, BTreeSet<Module>>) -> Option<Vec<Module>> {
    let mut reached = BTreeSet::new();
    let mut ways = vec![vec![module.clone()]];
    while let Some(way) = ways.pop() {
        for next in &imports[way.last().unwrap()] {
            let longer = [way.as_slice(), std::slice::from_ref(next)].concat();
            if next == module {
                return Some(longer);
            }
            if reached.insert(next.clone()) {
                ways.insert(0, longer);
            }
        }
    }
    None
}

/// Two files that import each other can only be understood together. A thing that both need moves
/// into a file below them.
#[test]
fn no_file_imports_a_file_that_imports_it() {
    let mut circles = Vec::new();
    let crates = source_directories();
    assert!(crates.len() > 10, "{crates:?}");
    for source in crates {
        let imports = imports(&source);
        for module in imports.keys() {
            if let Some(circle) = circle(module, &imports) {
                let names: Vec<_> = circle.iter().map(|module| module.join("::")).collect();
                circles.push(format!("{}: {}", source.display(), names.join(" → ")));
            }
        }
    }
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}
