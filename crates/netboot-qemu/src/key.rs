//! Keys as a serial terminal sends them, for [`MachineBuilder::press`].
//!
//! Printable characters are their own keys. These sequences are understood by iPXE's menus under
//! BIOS and UEFI, and by Linux.
//!
//! [`MachineBuilder::press`]: crate::MachineBuilder::press

/// The Enter key.
pub const ENTER: &str = "\r";
/// The Escape key.
pub const ESCAPE: &str = "\x1b";
/// The arrow up.
pub const UP: &str = "\x1b[A";
/// The arrow down.
pub const DOWN: &str = "\x1b[B";
/// Ctrl-B, which leads into iPXE's command line.
pub const CTRL_B: &str = "\x02";
/// Ctrl-C, which breaks off a download or a menu.
pub const CTRL_C: &str = "\x03";
