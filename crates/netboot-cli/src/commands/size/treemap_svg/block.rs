//! The boxes of the picture: what each one stands for, and which are too small to stand alone.

use std::collections::BTreeMap;

use bytesize::ByteSize;
use netboot_nix::{SizeReport, StorePathSize};

/// The number of store paths that the title of a box with several of them names.
const NAMED: usize = 12;

/// A box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) name: String,
    /// The text that a browser shows where the pointer rests.
    pub(super) title: String,
    pub(super) bytes: u64,
    pub(super) kind: Kind,
}

/// The colour of a box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The kernel.
    Kernel,
    /// A package of which the image has several versions.
    Duplicate,
    /// Several store paths.
    Together,
    /// A store path that this direct dependency of the system needs.
    Of(usize),
}

impl Block {
    #[expect(clippy::cast_precision_loss, reason = "a picture is no more precise than its pixels")]
    pub(super) fn area(&self) -> f64 {
        self.bytes as f64
    }

    fn together(name: String, paths: &[&StorePathSize]) -> Self {
        let mut named: Vec<String> = paths.iter().take(NAMED).map(ToString::to_string).collect();
        if paths.len() > NAMED {
            named.push(format!("and {} more", paths.len() - NAMED));
        }
        let bytes = paths.iter().map(|path| path.own_size).sum();
        let size = ByteSize::b(bytes).display().iec();
        let title = format!("{name}, {size}:\n{}", named.join("\n"));
        Self { name, title, bytes, kind: Kind::Together }
    }
}

/// The boxes of a report, the largest first. A store path whose part of the whole is smaller than
/// `least` is drawn together with others that the same dependency of the system needs. If they are
/// still too small, they are drawn together with all other small ones. Nothing is left out but what
/// has no size.
pub(super) fn blocks(report: &SizeReport, least: f64) -> Vec<Block> {
    let kernel = Block {
        name: "kernel".to_owned(),
        title: format!("the kernel, {}", ByteSize::b(report.kernel).display().iec()),
        bytes: report.kernel,
        kind: Kind::Kernel,
    };
    // The first dependencies get different colours, and the largest paths come first.
    let mut dependencies: Vec<&str> = Vec::new();
    let mut blocks = vec![kernel];
    let mut small: BTreeMap<&str, Vec<&StorePathSize>> = BTreeMap::new();
    let is_small = |area: f64, whole: f64| area < least * whole;
    #[expect(clippy::cast_precision_loss, reason = "a picture is no more precise than its pixels")]
    let whole = (report.closure + report.kernel) as f64;
    for path in &report.paths {
        let mut block = Block {
            name: path.name().to_owned(),
            title: path.to_string(),
            bytes: path.own_size,
            kind: Kind::Duplicate,
        };
        if is_small(block.area(), whole) {
            small.entry(dependency(path)).or_default().push(path);
            continue;
        }
        if !is_duplicate(report, path) {
            let known = dependencies.iter().position(|other| *other == dependency(path));
            block.kind = Kind::Of(known.unwrap_or(dependencies.len()));
            if known.is_none() {
                dependencies.push(dependency(path));
            }
        }
        blocks.push(block);
    }
    let mut rest = Vec::new();
    for (dependency, paths) in small {
        let name = format!("{}, {} small ones", name_of(report, dependency), paths.len());
        let block = Block::together(name, &paths);
        if paths.len() == 1 || is_small(block.area(), whole) {
            rest.extend(paths);
        } else {
            blocks.push(block);
        }
    }
    rest.sort_by(|one, other| (other.own_size, &one.path).cmp(&(one.own_size, &other.path)));
    match &rest[..] {
        [] => {}
        [only] => {
            let (name, title) = (only.name().to_owned(), only.to_string());
            blocks.push(Block { name, title, bytes: only.own_size, kind: Kind::Together });
        }
        several => {
            blocks.push(Block::together(format!("{} small ones", several.len()), several));
        }
    }
    blocks.retain(|block| block.bytes > 0);
    blocks.sort_by(|one, other| (other.bytes, &one.name).cmp(&(one.bytes, &other.name)));
    blocks
}

/// The direct dependency of the system through which it needs this path.
fn dependency(path: &StorePathSize) -> &str {
    path.chain.get(1).unwrap_or(&path.path)
}

/// The name of a path of the report.
fn name_of<'a>(report: &'a SizeReport, path: &'a str) -> &'a str {
    let found = report.paths.iter().find(|other| other.path == path);
    found.map_or(path, StorePathSize::name)
}

fn is_duplicate(report: &SizeReport, path: &StorePathSize) -> bool {
    let mut versions = report.duplicates.iter().flat_map(|one| one.versions.values().flatten());
    versions.any(|other| *other == path.path)
}
