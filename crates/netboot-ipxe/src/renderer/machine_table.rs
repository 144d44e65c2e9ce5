//! Tables and files that tell machines what they boot.

use std::collections::BTreeMap;
use std::sync::Arc;

use netboot_core::{Artifact, ArtifactKind, BytesArtifact, FileName, ReleasePath, Sha256Digest};
use serde::Serialize;
use tera::Context;

use crate::dispatch::assignment::Assignment;
use crate::dispatch::fleet::{DispatchForm, Fleet};
use crate::dispatch::lookup::{Identity, share_of, test, value_of};
use crate::dispatch::selector::Selector;
use crate::error::Error;
use crate::renderer::Renderer;
use crate::script_url::ScriptUrl;
use crate::template::name::TemplateName;

/// The number of entries from which a table may end, at a share that its digest chooses.
const TABLE_MINIMUM: usize = 128;
/// The number of entries from which a table ends at any share. So a new machine changes one or two
/// tables.
const TABLE_MAXIMUM: usize = 512;

/// A selector and its assignment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) selector: &'a Selector,
    pub(super) assignment: &'a Assignment,
}

/// A step of finding the assignment of a machine, for a template.
#[derive(Debug, Default, Serialize)]
pub(super) struct Lookup {
    conditions: Vec<Condition>,
    jump: Option<String>,
    file: Option<String>,
    tables: Vec<Table>,
    table_jump: Option<String>,
    end: Option<String>,
}

/// A test and the label to jump to if it succeeds, for a template.
#[derive(Debug, Serialize)]
struct Condition {
    test: String,
    label: String,
}

/// A table for a template.
#[derive(Debug, Serialize)]
struct Table {
    labels: Vec<String>,
    url: ScriptUrl,
}

/// A step, with the entries that the script itself contains.
pub(super) struct Group<'a> {
    pub(super) lookup: Lookup,
    pub(super) inline: Vec<Entry<'a>>,
}

impl Entry<'_> {
    /// The label that leads to the assignment.
    pub(super) fn label(&self) -> String {
        match self.identity() {
            Some(identity) if self.is_single() => {
                format!("{}-{}", identity.prefix(), value_of(self.selector.first()))
            }
            _ => format!("machine-{}", self.assignment.name()),
        }
    }

    fn identity(&self) -> Option<Identity> {
        Identity::of(self.selector.first())
    }

    /// Returns true if one `goto` finds the entry.
    fn is_single(&self) -> bool {
        self.selector.keys().len() == 1 && self.identity().is_some()
    }
}

impl Renderer {
    /// Returns the steps by which a machine finds its assignment, the closest kind of key first.
    /// Everything that the script itself does not contain is added to `files` and `tables`.
    pub(super) fn groups<'a>(
        &self,
        fleet: &'a Fleet,
        files: &mut Vec<(ReleasePath, String)>,
        tables: &mut Vec<Arc<dyn Artifact>>,
    ) -> Result<Vec<Group<'a>>, Error> {
        let entries = fleet.assignments().iter().flat_map(|assignment| {
            let entry = move |selector| Entry { selector, assignment };
            assignment.selectors().iter().map(entry)
        });
        let mut by_identity: BTreeMap<Option<Identity>, Vec<Entry<'a>>> = BTreeMap::new();
        for entry in entries {
            by_identity.entry(entry.identity()).or_default().push(entry);
        }
        let mut groups = Vec::new();
        for identity in Identity::ALL {
            let Some(entries) = by_identity.remove(&Some(identity)) else { continue };
            groups.push(match fleet.form() {
                DispatchForm::Tables => self.table_group(identity, &entries, tables)?,
                DispatchForm::Files => self.file_group(identity, &entries, files)?,
                DispatchForm::Inline | DispatchForm::Automatic => inline_group(entries),
            });
        }
        groups.extend(by_identity.remove(&None).map(inline_group));
        Ok(groups)
    }

    fn table_group<'a>(
        &self,
        identity: Identity,
        entries: &[Entry<'a>],
        tables: &mut Vec<Arc<dyn Artifact>>,
    ) -> Result<Group<'a>, Error> {
        let mut shares: BTreeMap<String, Vec<Entry<'a>>> = BTreeMap::new();
        for entry in entries {
            shares.entry(share_of(entry.selector.first())).or_default().push(*entry);
        }
        let label = |share: &str| format!("{}-of-{share}", identity.prefix());
        let mut lookup = Lookup {
            table_jump: Some(label(identity.share())),
            end: Some(format!("{}-end", identity.prefix())),
            ..Lookup::default()
        };
        let (mut labels, mut gathered) = (Vec::new(), Vec::new());
        let last = shares.keys().next_back().cloned();
        for (share, entries) in shares {
            labels.push(label(&share));
            gathered.extend(entries);
            let chosen = Sha256Digest::of(share.as_bytes()).as_bytes()[0] < 64;
            let full = gathered.len() >= TABLE_MAXIMUM;
            if full || (chosen && gathered.len() >= TABLE_MINIMUM) || Some(&share) == last.as_ref()
            {
                let text = self.render_table(&std::mem::take(&mut gathered))?;
                let name = FileName::new("machines.ipxe")?;
                let table = BytesArtifact::new(ArtifactKind::Script, name, text)?;
                let url = self.payload_urls(2).of(&table);
                lookup.tables.push(Table { labels: std::mem::take(&mut labels), url });
                tables.push(Arc::new(table));
            }
        }
        Ok(Group { lookup, inline: Vec::new() })
    }

    fn file_group<'a>(
        &self,
        identity: Identity,
        entries: &[Entry<'a>],
        files: &mut Vec<(ReleasePath, String)>,
    ) -> Result<Group<'a>, Error> {
        let path = |share: &str, value: &str| {
            format!("machines/{}-of-{share}/{value}.ipxe", identity.prefix())
        };
        let mut by_key: BTreeMap<String, Vec<Entry<'a>>> = BTreeMap::new();
        for entry in entries {
            let key = entry.selector.first();
            by_key.entry(path(&share_of(key), &value_of(key))).or_default().push(*entry);
        }
        for (path, entries) in by_key {
            files.push((ReleasePath::new(path)?, self.render_table(&entries)?));
        }
        let file = Some(path(identity.share(), identity.value()));
        Ok(Group { lookup: Lookup { file, ..Lookup::default() }, inline: Vec::new() })
    }

    /// Renders a script that tells some machines what they boot.
    pub(super) fn render_table(&self, entries: &[Entry<'_>]) -> Result<String, Error> {
        let group = inline_group(entries.to_vec());
        let mut values = Context::new();
        values.insert("conditions", &group.lookup.conditions);
        values.insert("jump", &group.lookup.jump);
        values.insert("assignments", &self.assignment_values(&group.inline)?);
        self.templates.render(TemplateName::MachineTable, values)
    }
}

/// Makes a step that the script itself contains, for entries whose first keys have the same
/// identity or none.
fn inline_group(mut entries: Vec<Entry<'_>>) -> Group<'_> {
    let by_specificity = |one: &Entry<'_>, other: &Entry<'_>| {
        let order = one.selector.specificity(other.selector);
        order.then_with(|| one.selector.cmp(other.selector))
    };
    entries.sort_by(by_specificity);
    let tested = entries.iter().filter(|entry| !entry.is_single());
    let conditions = tested.map(|entry| {
        let tests: Vec<String> = entry.selector.keys().iter().map(test).collect();
        Condition { test: tests.join(" && "), label: entry.label() }
    });
    let conditions = conditions.collect();
    let single = entries.iter().find(|entry| entry.is_single());
    let jump = single.and_then(Entry::identity);
    let jump = jump.map(|identity| format!("{}-{}", identity.prefix(), identity.value()));
    Group { lookup: Lookup { conditions, jump, ..Lookup::default() }, inline: entries }
}
