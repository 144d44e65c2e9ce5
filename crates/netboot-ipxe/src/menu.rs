//! The menu by which a person chooses what a machine boots.

mod item;

use std::collections::BTreeSet;
use std::fmt;

use netboot_core::Image;

pub(crate) use self::item::MenuAction;
pub use self::item::{LocalDisk, MenuItem, MenuKey};
use crate::{Error, MenuText};

/// How deep menus may lie in each other: deeper ones nobody finds.
const DEPTH_LIMIT: usize = 4;

/// A menu, and the menus below it. Without one, [`Menu::of_images`] is what a release shows.
///
/// ```
/// use netboot_ipxe::{LocalDisk, Menu, MenuItem, MenuKey};
///
/// let tools = Menu::builder("Tools")?.item(MenuItem::shell()).item(MenuItem::reboot()).build()?;
/// let menu = Menu::builder("Rack 3")?
///     .heading("Images")?
///     .item(MenuItem::profile("worker".parse()?).with_key(MenuKey::new('w')?).with_default_choice())
///     .gap()
///     .item(MenuItem::local_disk(LocalDisk::NextBootDevice))
///     .item(MenuItem::submenu(tools))
///     .build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Menu {
    title: MenuText,
    entries: Vec<MenuEntry>,
}

/// A line of a menu.
#[derive(Debug, Clone)]
pub(crate) enum MenuEntry {
    Gap(Option<MenuText>),
    Item(MenuItem),
}

/// Gathers the lines of a [`Menu`]; made by [`Menu::builder`].
#[derive(Debug, Clone)]
#[must_use = "a menu is made by `build`"]
pub struct MenuBuilder(Menu);

/// Why a menu cannot be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MenuProblem {
    /// Nothing can be chosen.
    Empty,
    /// One key is to choose two items.
    DuplicateKey(MenuKey),
    /// Two items are to be chosen when nobody chooses.
    TwoDefaults,
    /// Menus lie too deep in each other.
    TooDeep {
        /// How deep they may lie.
        limit: usize,
    },
}

impl MenuProblem {
    /// What to do about it.
    pub(crate) fn remedy(&self) -> &'static str {
        match self {
            Self::Empty => "add an item that can be chosen",
            Self::DuplicateKey(_) => "give each item of a menu a key of its own, or none",
            Self::TwoDefaults => "let one item be the default choice",
            Self::TooDeep { .. } => "move the inner menus further up",
        }
    }
}

impl fmt::Display for MenuProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it has no item"),
            Self::DuplicateKey(key) => write!(f, "two of its items have the key `{key}`"),
            Self::TwoDefaults => f.write_str("two of its items are the default choice"),
            Self::TooDeep { limit } => write!(f, "it lies deeper than {limit} menus"),
        }
    }
}

impl MenuBuilder {
    /// Adds an item.
    pub fn item(mut self, item: MenuItem) -> Self {
        self.0.entries.push(MenuEntry::Item(item));
        self
    }

    /// Adds a heading, which cannot be chosen.
    ///
    /// # Errors
    /// [`Error::Unprintable`].
    pub fn heading(mut self, text: impl Into<String>) -> Result<Self, Error> {
        self.0.entries.push(MenuEntry::Gap(Some(MenuText::new(text)?)));
        Ok(self)
    }

    /// Adds an empty line.
    pub fn gap(mut self) -> Self {
        self.0.entries.push(MenuEntry::Gap(None));
        self
    }

    /// Checks the menu.
    ///
    /// # Errors
    /// [`Error::InvalidMenu`].
    pub fn build(self) -> Result<Menu, Error> {
        let menu = self.0;
        match menu.problem() {
            None => Ok(menu),
            Some(problem) => {
                let title = menu.title.to_string();
                Err(Error::InvalidMenu { title, problem })
            }
        }
    }
}

impl Menu {
    /// Begins a menu with this title.
    ///
    /// # Errors
    /// [`Error::Unprintable`].
    pub fn builder(title: impl Into<String>) -> Result<MenuBuilder, Error> {
        Ok(MenuBuilder(Self { title: MenuText::new(title)?, entries: Vec::new() }))
    }

    /// The menu that a release shows unless it is given another: each image, the local disk, and
    /// iPXE's shell.
    ///
    /// # Errors
    /// [`Error::InvalidMenu`] without an image.
    pub fn of_images<'a>(images: impl IntoIterator<Item = &'a Image>) -> Result<Self, Error> {
        let items = images.into_iter().map(|image| MenuItem::profile(image.profile().clone()));
        let menu = Self::builder("Netboot")?.heading("Images")?;
        let menu = items.fold(menu, MenuBuilder::item).heading("Other")?;
        menu.item(MenuItem::local_disk(LocalDisk::default())).item(MenuItem::shell()).build()
    }

    /// The title.
    pub fn title(&self) -> &MenuText {
        &self.title
    }

    pub(crate) fn entries(&self) -> &[MenuEntry] {
        &self.entries
    }

    pub(crate) fn items(&self) -> impl Iterator<Item = &MenuItem> {
        self.entries.iter().filter_map(|entry| match entry {
            MenuEntry::Item(item) => Some(item),
            MenuEntry::Gap(_) => None,
        })
    }

    fn depth(&self) -> usize {
        let below = self.items().map(|item| match &item.action {
            MenuAction::Submenu(menu) => menu.depth(),
            _ => 0,
        });
        1 + below.max().unwrap_or(0)
    }

    fn problem(&self) -> Option<MenuProblem> {
        if self.items().next().is_none() {
            return Some(MenuProblem::Empty);
        }
        let mut keys = BTreeSet::new();
        let twice = |key: &MenuKey| !keys.insert(*key);
        if let Some(key) = self.items().filter_map(|item| item.key).find(twice) {
            return Some(MenuProblem::DuplicateKey(key));
        }
        if self.items().filter(|item| item.is_default).count() > 1 {
            return Some(MenuProblem::TwoDefaults);
        }
        let limit = DEPTH_LIMIT;
        (self.depth() > limit).then_some(MenuProblem::TooDeep { limit })
    }
}
