//! The menu in which a person chooses what a machine boots.

mod key;
pub(crate) mod problem;

use std::collections::BTreeSet;

use netboot_core::{Image, ProfileName};

pub use self::key::MenuKey;
pub use self::problem::MenuProblem;
use crate::error::Error;
use crate::menu_text::MenuText;

/// The largest depth of nested menus. Nobody finds deeper ones.
const DEPTH_LIMIT: usize = 4;

/// A menu and its submenus. A release without its own menu shows [`Menu::of_images`].
///
/// ```
/// use netboot_ipxe::{LocalDisk, Menu, MenuItem, MenuKey};
///
/// let tools = Menu::builder("Tools")?.item(MenuItem::shell()).item(MenuItem::reboot()).build()?;
/// let menu = Menu::builder("Rack 3")?
///     .heading("Images")?
///     .item(MenuItem::profile("worker")?.with_key(MenuKey::new('w')?))
///     .gap()
///     .item(MenuItem::local_disk(LocalDisk::NextBootDevice))
///     .item(MenuItem::submenu(tools))
///     .build()?;
/// # Ok::<(), netboot_ipxe::Error>(())
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

/// Builds a [`Menu`]. [`Menu::builder`] creates it.
#[derive(Debug, Clone)]
#[must_use = "`build` makes the menu"]
pub struct MenuBuilder(Menu);

impl MenuBuilder {
    /// Adds an item.
    pub fn item(mut self, item: MenuItem) -> Self {
        self.0.entries.push(MenuEntry::Item(item));
        self
    }

    /// Adds a heading, which nobody can choose.
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

    /// Checks the menu and returns it.
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
    /// Starts a menu with this title.
    ///
    /// # Errors
    /// [`Error::Unprintable`].
    pub fn builder(title: impl Into<String>) -> Result<MenuBuilder, Error> {
        Ok(MenuBuilder(Self { title: MenuText::new(title)?, entries: Vec::new() }))
    }

    /// The menu of a release without its own menu: each image, the local disk, and the shell of
    /// iPXE.
    ///
    /// # Errors
    /// [`Error::InvalidMenu`] without an image.
    pub fn of_images<'a>(images: impl IntoIterator<Item = &'a Image>) -> Result<Self, Error> {
        let items = images.into_iter().map(|image| MenuItem::of_profile(image.profile().clone()));
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
            return Some(MenuProblem::DuplicateKey(key.as_char()));
        }
        if self.items().filter(|item| item.is_default).count() > 1 {
            return Some(MenuProblem::TwoDefaults);
        }
        let limit = DEPTH_LIMIT;
        (self.depth() > limit).then_some(MenuProblem::TooDeep { limit })
    }
}

/// A line of a menu that a person can choose.
///
/// ```
/// use netboot_ipxe::{MenuItem, MenuKey};
///
/// let item = MenuItem::profile("worker")?.with_title("PlasmaCloud worker")?;
/// let item = item.with_key(MenuKey::new('w')?);
/// # Ok::<(), netboot_ipxe::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct MenuItem {
    pub(crate) action: MenuAction,
    pub(crate) title: Option<MenuText>,
    pub(crate) key: Option<MenuKey>,
    pub(crate) is_default: bool,
}

/// The action of a menu item.
#[derive(Debug, Clone)]
pub(crate) enum MenuAction {
    Profile(ProfileName),
    Submenu(Box<Menu>),
    LocalDisk(LocalDisk),
    Shell,
    Reboot,
}

/// The way a machine boots its local disk from iPXE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum LocalDisk {
    /// Exits iPXE. The firmware continues with the next device of its boot order.
    #[default]
    NextBootDevice,
    /// Starts the boot sector of the first disk under BIOS, because some firmware boots nothing
    /// after the network. Exits iPXE under UEFI, and if the boot sector does not start.
    FirstDisk,
}

impl MenuItem {
    fn new(action: MenuAction) -> Self {
        Self { action, title: None, key: None, is_default: false }
    }

    /// Starts a profile or a family of profiles. The default title is the title of the image.
    ///
    /// # Errors
    /// [`InvalidValue`](netboot_core::InvalidValue) for a text that is not the name of a profile.
    pub fn profile<N: TryInto<ProfileName>>(profile: N) -> Result<Self, N::Error> {
        profile.try_into().map(Self::of_profile)
    }

    fn of_profile(profile: ProfileName) -> Self {
        Self::new(MenuAction::Profile(profile))
    }

    /// Opens another menu, which gets an item that leads back. The default title is the title of
    /// that menu.
    pub fn submenu(menu: Menu) -> Self {
        Self::new(MenuAction::Submenu(Box::new(menu)))
    }

    /// Boots the local disk.
    pub fn local_disk(how: LocalDisk) -> Self {
        Self::new(MenuAction::LocalDisk(how))
    }

    /// Opens the command line of iPXE.
    pub fn shell() -> Self {
        Self::new(MenuAction::Shell)
    }

    /// Restarts the machine.
    pub fn reboot() -> Self {
        Self::new(MenuAction::Reboot)
    }

    /// Replaces the title.
    ///
    /// # Errors
    /// [`Error::Unprintable`].
    pub fn with_title(mut self, title: impl Into<String>) -> Result<Self, Error> {
        self.title = Some(MenuText::new(title)?);
        Ok(self)
    }

    /// Lets a person also choose the item by this key.
    #[must_use]
    pub fn with_key(mut self, key: MenuKey) -> Self {
        self.key = Some(key);
        self
    }

    /// Makes it the default choice. In a submenu, the cursor starts at it.
    #[must_use]
    pub fn with_default_choice(mut self) -> Self {
        self.is_default = true;
        self
    }

    /// The title, unless it is the title of an image.
    pub(crate) fn own_title(&self) -> Option<&str> {
        match (&self.title, &self.action) {
            (Some(title), _) => Some(title.as_str()),
            (None, MenuAction::Profile(_)) => None,
            (None, MenuAction::Submenu(menu)) => Some(menu.title().as_str()),
            (None, MenuAction::LocalDisk(_)) => Some("Boot from the local disk"),
            (None, MenuAction::Shell) => Some("iPXE shell"),
            (None, MenuAction::Reboot) => Some("Restart the machine"),
        }
    }
}
