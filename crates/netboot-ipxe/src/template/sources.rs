//! The texts of templates: built-in, from the caller, or from a directory.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::error::Error;
use crate::template::name::TemplateName;

/// The extension of template files. The rest of the file name is the name of the template.
const EXTENSION: &str = "ipxe";

/// The prefix of a built-in template or part, for a caller's template that extends or includes it.
const BUILT_IN: &str = "built-in/";

/// The parts that built-in templates include.
const PARTS: [(&str, &str); 8] = [
    ("again", include_str!("../templates/parts/again.ipxe")),
    ("architecture", include_str!("../templates/parts/architecture.ipxe")),
    ("assignment", include_str!("../templates/parts/assignment.ipxe")),
    ("chain", include_str!("../templates/parts/chain.ipxe")),
    ("integrity", include_str!("../templates/parts/integrity.ipxe")),
    ("leave", include_str!("../templates/parts/leave.ipxe")),
    ("report", include_str!("../templates/parts/report.ipxe")),
    ("shell", include_str!("../templates/parts/shell.ipxe")),
];

/// The caller's templates and parts.
#[derive(Debug, Clone, Default)]
pub(crate) struct TemplateSources {
    /// The texts by name. A text with the name of a template replaces it; the others are parts.
    texts: BTreeMap<String, String>,
}

impl TemplateSources {
    pub(crate) fn insert(&mut self, name: impl Into<String>, text: impl Into<String>) {
        self.texts.insert(name.into(), text.into());
    }

    /// Adds every file `<name>.ipxe` of a directory.
    pub(crate) fn read_directory(&mut self, directory: &Path) -> Result<(), Error> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| Error::TemplateFile { path, source }
        };
        for entry in fs::read_dir(directory).map_err(failed(directory))? {
            let path = entry.map_err(failed(directory))?.path();
            let name = path.file_stem().and_then(|name| name.to_str());
            if path.extension().is_none_or(|extension| extension != EXTENSION) {
                continue;
            }
            if let Some(name) = name {
                let text = fs::read_to_string(&path).map_err(failed(&path))?;
                self.insert(name, text);
            }
        }
        Ok(())
    }

    /// All texts with the names by which templates include them, the built-in ones first.
    pub(crate) fn all(&self) -> Vec<(String, &str)> {
        let templates = TemplateName::ALL.map(|name| (name.as_str(), name.built_in()));
        let built_in = templates.into_iter().chain(PARTS);
        let built_in = built_in.map(|(name, text)| (format!("{BUILT_IN}{name}"), text));
        let own = self.texts.iter().map(|(name, text)| (name.clone(), text.as_str()));
        built_in.chain(own).collect()
    }

    /// The name of the text that is used for this template.
    pub(crate) fn effective(&self, name: TemplateName) -> String {
        let replaced = self.texts.contains_key(name.as_str());
        let prefix = if replaced { "" } else { BUILT_IN };
        format!("{prefix}{name}")
    }
}

impl TemplateName {
    /// The text of a part that built-in templates include. A caller's template can include it as
    /// `built-in/<name>`:
    /// - `again`: waits and then jumps to the label `start`, using `netboot-wait` and
    ///   `netboot-round`
    /// - `architecture`: sets `netboot-architecture` to Nix's name of the machine's architecture
    /// - `assignment`: sets the settings of the variable `assignment`
    /// - `chain`: starts the script at the variable `url`, and jumps to the label `leave` when that
    ///   script leaves iPXE, or to the label in the variable `failed` when it fails
    /// - `integrity`: checks the file of the variable `file`, and jumps to `failed` if it is wrong
    /// - `leave`: leaves iPXE for the next boot device. `exit 0` would end in the menu of a UEFI
    ///   firmware, and `exit 1` alone would make the scripts before this one try again
    /// - `report`: reports the stage of the variable `stage`
    /// - `shell`: offers the command line of iPXE
    pub fn part(name: &str) -> Option<&'static str> {
        PARTS.into_iter().find(|(part, _)| *part == name).map(|(_, text)| text)
    }
}
