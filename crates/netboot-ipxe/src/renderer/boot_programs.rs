//! The entries for firmware that boots by HTTP.

use std::collections::BTreeSet;

use bytes::Bytes;
use netboot_core::{Architecture, Image, ProfileName, ReleasePath, layout};
use tera::Context;

use crate::error::Error;
use crate::renderer::Renderer;
use crate::script_url::ScriptUrl;
use crate::template::name::TemplateName;

impl Renderer {
    /// The programs for firmware with their first scripts: for all machines, and for each profile
    /// and family with an architecture that has a program.
    pub(super) fn program_entries(
        &self,
        images: &[Image],
    ) -> Result<Vec<(ReleasePath, Bytes)>, Error> {
        let programs = &self.settings.boot_programs;
        let mut entries = Vec::new();
        for (architecture, program) in programs {
            entries.push((layout::boot_program(*architecture), program.clone()));
        }
        if !programs.is_empty() {
            let script =
                self.render_autoexec(&layout::autoexec_script(), &layout::boot_script())?;
            entries.push((layout::autoexec_script(), script.into()));
        }
        let of_images = images
            .iter()
            .map(|image| (image.profile(), BTreeSet::from([image.boot().architecture()])));
        let families = self.settings.families.iter();
        let families =
            families.map(|(family, members)| (family, members.keys().copied().collect()));
        for (name, architectures) in of_images.chain(families) {
            entries.extend(self.entries_of_profile(name, &architectures)?);
        }
        Ok(entries)
    }

    fn entries_of_profile(
        &self,
        profile: &ProfileName,
        architectures: &BTreeSet<Architecture>,
    ) -> Result<Vec<(ReleasePath, Bytes)>, Error> {
        let programs = self.settings.boot_programs.iter();
        let programs = programs.filter(|(architecture, _)| architectures.contains(architecture));
        let mut entries: Vec<(ReleasePath, Bytes)> = programs
            .map(|(architecture, program)| {
                (layout::profile_boot_program(profile, *architecture), program.clone())
            })
            .collect();
        if !entries.is_empty() {
            let path = layout::profile_autoexec_script(profile);
            let script = self.render_autoexec(&path, &layout::profile_script(profile))?;
            entries.push((path, script.into()));
        }
        Ok(entries)
    }

    /// Renders the first script of the programs in a directory, which leads to an entry.
    fn render_autoexec(&self, path: &ReleasePath, entry: &ReleasePath) -> Result<String, Error> {
        let mut values = Context::new();
        values.insert("entry_url", &ScriptUrl::relative(path, entry));
        self.templates.render(TemplateName::Autoexec, values)
    }
}
