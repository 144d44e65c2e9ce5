//! What stands in a menu.

use std::fmt;

use netboot_core::ProfileName;

use super::Menu;
use crate::{Error, MenuText};

/// A line of a menu that can be chosen.
///
/// ```
/// use netboot_ipxe::{MenuItem, MenuKey};
///
/// let item = MenuItem::profile("worker".parse()?).with_title("PlasmaCloud worker")?;
/// let item = item.with_key(MenuKey::new('w')?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct MenuItem {
    pub(crate) action: MenuAction,
    pub(crate) title: Option<MenuText>,
    pub(crate) key: Option<MenuKey>,
    pub(crate) is_default: bool,
}

/// What a menu's item does.
#[derive(Debug, Clone)]
pub(crate) enum MenuAction {
    Profile(ProfileName),
    Submenu(Box<Menu>),
    LocalDisk(LocalDisk),
    Shell,
    Reboot,
}

/// How a machine leaves iPXE for its local disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum LocalDisk {
    /// Leaves iPXE; the firmware goes on with the next device of its boot order.
    #[default]
    NextBootDevice,
    /// Starts the boot sector of the first disk under BIOS, where some firmware boots nothing
    /// after the network; leaves iPXE under UEFI, and where that fails.
    FirstDisk,
}

impl MenuItem {
    fn new(action: MenuAction) -> Self {
        Self { action, title: None, key: None, is_default: false }
    }

    /// Starts a profile, or a family of them; its title is that of the image.
    pub fn profile(profile: ProfileName) -> Self {
        Self::new(MenuAction::Profile(profile))
    }

    /// Opens another menu, which gets an item that leads back. Its title is that of the menu.
    pub fn submenu(menu: Menu) -> Self {
        Self::new(MenuAction::Submenu(Box::new(menu)))
    }

    /// Boots the local disk.
    pub fn local_disk(how: LocalDisk) -> Self {
        Self::new(MenuAction::LocalDisk(how))
    }

    /// Opens iPXE's command line.
    pub fn shell() -> Self {
        Self::new(MenuAction::Shell)
    }

    /// Starts the machine anew.
    pub fn reboot() -> Self {
        Self::new(MenuAction::Reboot)
    }

    /// Shows another title.
    ///
    /// # Errors
    /// [`Error::Unprintable`].
    pub fn with_title(mut self, title: impl Into<String>) -> Result<Self, Error> {
        self.title = Some(MenuText::new(title)?);
        Ok(self)
    }

    /// Chooses it by this key too.
    #[must_use]
    pub fn with_key(mut self, key: MenuKey) -> Self {
        self.key = Some(key);
        self
    }

    /// Lets it be chosen when nobody chooses; within a submenu, it is where the cursor begins.
    #[must_use]
    pub fn with_default_choice(mut self) -> Self {
        self.is_default = true;
        self
    }

    /// The text that stands for it where it has no title of its own.
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

/// A key that chooses an item of a menu: a digit or a lower-case letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MenuKey(char);

impl MenuKey {
    /// Validates `key`.
    ///
    /// # Errors
    /// [`Error::InvalidMenuKey`].
    pub fn new(key: char) -> Result<Self, Error> {
        if key.is_ascii_lowercase() || key.is_ascii_digit() {
            Ok(Self(key))
        } else {
            Err(Error::InvalidMenuKey { key })
        }
    }

    /// The key.
    pub fn as_char(self) -> char {
        self.0
    }
}

impl fmt::Display for MenuKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
