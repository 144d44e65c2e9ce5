//! The store paths that NixOS packs into an initrd, by the option `netboot.storeContents`.

use std::collections::BTreeSet;
use std::path::Path;

use crate::flake_answer::{Output, StoreElement};

/// The store paths of the option, without the system, the kernel and the initrd.
#[derive(Debug, Default)]
pub(crate) struct StoreContents {
    /// The outputs of derivations.
    pub(crate) outputs: Vec<Output>,
    /// The paths that the evaluation has put into the store.
    pub(crate) sources: BTreeSet<String>,
    /// True if the configuration has the option and each element was read.
    pub(crate) is_complete: bool,
}

impl StoreContents {
    /// Reads the elements, without those that are one of `parts`.
    pub(crate) fn read(
        elements: Option<Vec<StoreElement>>,
        store: &Path,
        parts: &[&Output],
    ) -> Self {
        let mut found = Self { is_complete: elements.is_some(), ..Self::default() };
        for element in elements.into_iter().flatten() {
            let mut context = element.context.iter();
            let (Some((needed, outputs)), None) = (context.next(), context.next()) else {
                found.is_complete = false;
                continue;
            };
            match outputs.as_slice() {
                [] if Path::new(needed).extension() != Some("drv".as_ref()) => {
                    found.sources.insert(needed.clone());
                }
                [name] => {
                    let output = Output {
                        drv: needed.clone(),
                        out: store_path(&element.text, store),
                        name: name.clone(),
                        system: None,
                    };
                    found.is_complete &= output.problem(store).is_none();
                    let mut known = parts.iter().copied().chain(&found.outputs);
                    if output.problem(store).is_none() && known.all(|it| it.out != output.out) {
                        found.outputs.push(output);
                    }
                }
                _ => found.is_complete = false,
            }
        }
        found
    }

    /// The store paths.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        let outputs = self.outputs.iter().map(|output| output.out.as_str());
        outputs.chain(self.sources.iter().map(String::as_str))
    }
}

/// The store path of a path below it.
fn store_path(path: &str, store: &Path) -> String {
    let below = Path::new(path).strip_prefix(store).ok();
    let name = below.and_then(|below| below.components().next());
    name.map_or_else(|| path.to_owned(), |name| store.join(name).to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(elements: &str) -> StoreContents {
        let elements = serde_json::from_str(elements).unwrap();
        StoreContents::read(elements, Path::new("/nix/store"), &[])
    }

    #[test]
    fn outputs_and_sources_are_read_once() {
        let found = read(
            r#"[{"text": "/nix/store/b-x", "context": {"/nix/store/a-x.drv": ["out"]}},
                {"text": "/nix/store/b-x/etc", "context": {"/nix/store/a-x.drv": ["out"]}},
                {"text": "/nix/store/c-source/etc", "context": {"/nix/store/c-source": []}}]"#,
        );
        assert!(found.is_complete);
        assert_eq!(found.paths().collect::<Vec<_>>(), ["/nix/store/b-x", "/nix/store/c-source"]);
    }

    #[test]
    fn an_element_that_cannot_be_read_is_noticed() {
        assert!(read("[]").is_complete);
        for elements in [
            "null",
            r#"[{"text": "/nix/store/b-x", "context": {}}]"#,
            r#"[{"text": "/etc", "context": {"/nix/store/a-x.drv": ["out"]}}]"#,
            r#"[{"text": "/nix/store/a-x.drv", "context": {"/nix/store/a-x.drv": []}}]"#,
            r#"[{"text": "/nix/store/b-x", "context": {"/nix/store/a-x.drv": ["out", "dev"]}}]"#,
            r#"[{"text": "/nix/store/b-x",
                 "context": {"/nix/store/a-x.drv": ["out"], "/nix/store/c-y": []}}]"#,
        ] {
            let found = read(elements);
            assert!(!found.is_complete && found.paths().next().is_none(), "{elements}");
        }
    }
}
