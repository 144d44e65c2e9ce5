//! Shows the SBOMs of a release's images.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bytesize::ByteSize;
use netboot_core::{ProfileName, ReleaseId, counted};
use netboot_sbom::Bill;
use serde_json::{Value, json};

use crate::answer::Answer;

/// The description of the object that `--sbom --json` prints.
pub(super) const JSON: &str = "\
With --sbom and --json, instead:
  target   the target, as it was written
  release  the id of the release
  sboms    what each image consists of. Each has:
    profile     its profile
    size_bytes  the size of its store paths, without compression
    files       what a boot loader fetches: objects with name, size_bytes and sha256
    packages    its store paths: objects with name, version, size_bytes, licences
                and store_path";

/// Shows the SBOMs of a release.
pub(super) fn answer(
    target: &str,
    release: &ReleaseId,
    bills: &BTreeMap<ProfileName, Bill>,
) -> Answer {
    let sboms: Vec<Value> = bills.iter().map(|(profile, bill)| object(profile, bill)).collect();
    let object = json!({ "target": target, "release": release, "sboms": sboms });
    let texts: Vec<String> = bills.iter().map(|(profile, bill)| text(profile, bill)).collect();
    Answer::new(texts.join("\n"), object)
}

fn object(profile: &ProfileName, bill: &Bill) -> Value {
    let files = bill.files.iter().map(|(name, content)| {
        json!({ "name": name, "size_bytes": content.size, "sha256": content.sha256 })
    });
    let packages = bill.store_paths.iter().map(|(path, item)| {
        json!({
            "name": item.name,
            "version": item.version,
            "size_bytes": item.size,
            "licences": item.licences,
            "store_path": path,
        })
    });
    json!({
        "profile": profile,
        "size_bytes": bill.size(),
        "files": files.collect::<Vec<_>>(),
        "packages": packages.collect::<Vec<_>>(),
    })
}

/// The files, and the store paths in the order of their names.
fn text(profile: &ProfileName, bill: &Bill) -> String {
    let count = counted(bill.store_paths.len(), "store path");
    let mut text = format!("{profile}: {count}, {}\n", shown_size(bill.size()));
    for (name, content) in &bill.files {
        let _ = writeln!(text, "{:>11}  {name}", shown_size(content.size));
    }
    let mut items: Vec<_> = bill.store_paths.values().collect();
    items.sort_by_key(|item| (&item.name, &item.version));
    for item in items {
        let _ = write!(text, "{:>11}  {}", shown_size(item.size), item.name);
        if !item.version.is_empty() {
            let _ = write!(text, " {}", item.version);
        }
        if !item.licences.is_empty() {
            let licences: Vec<&str> = item.licences.iter().map(String::as_str).collect();
            let _ = write!(text, "  ({})", licences.join(", "));
        }
        text.push('\n');
    }
    text
}

fn shown_size(bytes: u64) -> String {
    ByteSize::b(bytes).display().iec().to_string()
}
