//! The script of the menu.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use netboot_core::{Image, ProfileName, ReleasePath, layout};
use serde::Serialize;
use tera::Context;

use crate::dispatch::fleet::UnknownMachine;
use crate::error::Error;
use crate::menu::{LocalDisk, Menu, MenuAction, MenuEntry, MenuItem};
use crate::menu_text::MenuText;
use crate::renderer::Renderer;
use crate::script_url::ScriptUrl;
use crate::template::name::TemplateName;

/// The labels of the actions of a menu besides starting images.
const LOCAL_DISK: &str = "local-disk";
const FIRST_DISK: &str = "first-disk";
const SHELL: &str = "shell";
const REBOOT: &str = "reboot";
/// The label of the main menu. The labels of submenus have a number after it.
const MAIN_MENU: &str = "menu";

/// A menu for a template.
#[derive(Serialize)]
struct MenuValues {
    label: String,
    title: MenuText,
    parent: String,
    default: Option<String>,
    entries: Vec<EntryValues>,
}

/// A line of a menu for a template.
#[derive(Serialize)]
struct EntryValues {
    name: Option<String>,
    text: Option<String>,
    key: Option<char>,
}

/// An image that a menu names, for a template.
#[derive(Serialize)]
struct ImageValues {
    label: Label,
    title: MenuText,
    url: ScriptUrl,
}

/// The data of a menu and its submenus.
struct Gathered<'a> {
    titles: &'a BTreeMap<ProfileName, MenuText>,
    menus: Vec<MenuValues>,
    profiles: Vec<ProfileName>,
    actions: BTreeSet<&'static str>,
}

impl Renderer {
    /// Renders the menu of `images`, for `releases/<id>/boot.ipxe` or `menu.ipxe`.
    ///
    /// # Errors
    /// The errors of [`render_release`](Self::render_release).
    pub fn render_menu(&self, images: &[Image]) -> Result<String, Error> {
        let titles = self.titles(images)?;
        let menu = match &self.settings.menu {
            Some(menu) => menu.clone(),
            None => Menu::of_images(images)?,
        };
        let mut gathered = Gathered {
            titles: &titles,
            menus: Vec::new(),
            profiles: Vec::new(),
            actions: BTreeSet::new(),
        };
        gathered.add(&menu, MAIN_MENU)?;
        let Gathered { menus, profiles, actions, .. } = gathered;
        let default = match menus.first().and_then(|main| main.default.clone()) {
            Some(default) => Some(default),
            None => self.default_label(&profiles)?,
        };
        let first_item =
            menus.first().and_then(|main| main.entries.iter().find_map(|entry| entry.name.clone()));
        let images = profiles.iter().map(|profile| {
            Ok(ImageValues {
                label: Label::of_profile(profile),
                title: titles.get(profile).cloned().ok_or_else(|| unknown(profile, &titles))?,
                url: ScriptUrl::relative(&layout::boot_script(), &layout::profile_script(profile)),
            })
        });
        let images = images.collect::<Result<Vec<_>, Error>>()?;
        let has = |action| actions.contains(action);
        let mut values = Context::new();
        values.insert("title", menu.title());
        values.insert("menus", &menus);
        values.insert("images", &images);
        values.insert("default", &default.or(first_item));
        values.insert("timeout_milliseconds", &self.settings.menu_timeout.as_millis());
        values.insert("retry_milliseconds", &self.settings.retry_after.as_millis());
        values.insert("escape", if has(SHELL) { SHELL } else { MAIN_MENU });
        values.insert("shell_item", &has(SHELL));
        values.insert("reboot_item", &has(REBOOT));
        values.insert("first_disk", &has(FIRST_DISK));
        values.insert("machine_parameters", &self.machine_parameters());
        values.insert("machine_overlays", &self.machine_overlays());
        self.templates.render(TemplateName::Menu, values)
    }

    /// The path of the menu in a release, if there is one.
    pub(super) fn menu_path(&self) -> Result<Option<ReleasePath>, Error> {
        Ok(match &self.settings.fleet {
            None => Some(layout::boot_script()),
            Some(fleet) if *fleet.unknown() == UnknownMachine::Menu => {
                Some(ReleasePath::new("menu.ipxe")?)
            }
            Some(_) => None,
        })
    }

    /// The label of the profile that starts if nobody chooses.
    fn default_label(&self, profiles: &[ProfileName]) -> Result<Option<String>, Error> {
        let profile = match &self.settings.default_profile {
            Some(profile) if !profiles.contains(profile) => {
                let (profile, known) = (profile.clone(), profiles.to_vec());
                let wanted_by = "the menu's default".to_owned();
                return Err(Error::UnknownProfile { wanted_by, profile, known });
            }
            Some(profile) => Some(profile),
            None => profiles.iter().min(),
        };
        Ok(profile.map(|profile| Label::of_profile(profile).to_string()))
    }

    /// The title of each profile and family.
    pub(super) fn titles(
        &self,
        images: &[Image],
    ) -> Result<BTreeMap<ProfileName, MenuText>, Error> {
        let titled = images.iter().map(|image| (image.profile(), image.title().as_str()));
        let families = self.settings.families.keys().map(|family| (family, family.as_str()));
        let texts = families.chain(titled);
        texts.map(|(profile, title)| Ok((profile.clone(), MenuText::new(title)?))).collect()
    }
}

impl Gathered<'_> {
    /// Adds a menu and its submenus, and returns its label.
    fn add(&mut self, menu: &Menu, parent: &str) -> Result<String, Error> {
        let index = self.menus.len();
        let label = match index {
            0 => MAIN_MENU.to_owned(),
            _ => format!("{MAIN_MENU}-{}", index + 1),
        };
        self.menus.push(MenuValues {
            label: label.clone(),
            title: menu.title().clone(),
            parent: parent.to_owned(),
            default: None,
            entries: Vec::new(),
        });
        let mut entries = Vec::new();
        let mut default = None;
        for entry in menu.entries() {
            entries.push(match entry {
                MenuEntry::Gap(text) => {
                    let text = text.as_ref().map(ToString::to_string);
                    EntryValues { name: None, text, key: None }
                }
                MenuEntry::Item(item) => {
                    let values = self.item(item, &label)?;
                    if item.is_default {
                        default.clone_from(&values.name);
                    }
                    values
                }
            });
        }
        if index > 0 {
            let (name, text) = (Some(parent.to_owned()), Some("Back".to_owned()));
            entries.push(EntryValues { name, text, key: None });
        }
        let values = &mut self.menus[index];
        (values.entries, values.default) = (entries, default);
        Ok(label)
    }

    fn item(&mut self, item: &MenuItem, menu: &str) -> Result<EntryValues, Error> {
        let name = match &item.action {
            MenuAction::Profile(profile) => {
                if !self.profiles.contains(profile) {
                    self.profiles.push(profile.clone());
                }
                Label::of_profile(profile).to_string()
            }
            MenuAction::Submenu(submenu) => self.add(submenu, menu)?,
            MenuAction::LocalDisk(LocalDisk::NextBootDevice) => LOCAL_DISK.to_owned(),
            MenuAction::LocalDisk(LocalDisk::FirstDisk) => {
                self.actions.insert(FIRST_DISK);
                FIRST_DISK.to_owned()
            }
            MenuAction::Shell => {
                self.actions.insert(SHELL);
                SHELL.to_owned()
            }
            MenuAction::Reboot => {
                self.actions.insert(REBOOT);
                REBOOT.to_owned()
            }
        };
        let text = match (item.own_title(), &item.action) {
            (Some(title), _) => title.to_owned(),
            (None, MenuAction::Profile(profile)) => {
                let title = self.titles.get(profile);
                title.ok_or_else(|| unknown(profile, self.titles))?.to_string()
            }
            (None, _) => name.clone(),
        };
        let key = item.key.map(crate::MenuKey::as_char);
        Ok(EntryValues { name: Some(name), text: Some(text), key })
    }
}

fn unknown(profile: &ProfileName, titles: &BTreeMap<ProfileName, MenuText>) -> Error {
    Error::UnknownProfile {
        wanted_by: "the menu".to_owned(),
        profile: profile.clone(),
        known: titles.keys().cloned().collect(),
    }
}

/// A label that a script jumps to, which is also the name of a menu item.
///
/// It starts with a prefix, so that the name of a profile cannot hide a label of a template.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
struct Label(String);

impl Label {
    /// The label of a profile: `profile-<name>`.
    fn of_profile(profile: &ProfileName) -> Self {
        Self(format!("profile-{profile}"))
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
