//! The names of the templates, and what each may print.

use std::fmt;

/// Names a template.
///
/// Templates are written in the language of [Tera](https://keats.github.io/tera/). A caller's text
/// in the place of a built-in one may use the variables that are listed here, those of
/// [`COMMON_VARIABLES`](Self::COMMON_VARIABLES), and the caller's own
/// ([`RendererBuilder::variable`](crate::RendererBuilder::variable)). It may include the caller's
/// parts ([`RendererBuilder::part`](crate::RendererBuilder::part)) by their name, and extend or
/// include any built-in template or part as `built-in/<name>`:
///
/// ```text
/// {% extends "built-in/image" %}
/// {% block begin %}echo {{ site }}: {{ profile }}
/// {% endblock begin %}
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum TemplateName {
    /// Starts one image. Variables:
    /// - `profile`
    /// - `kernel`: with `name`, `url`, `sha256` and `signature_url` (none without signatures)
    /// - `arguments`: the kernel's command line, a list
    /// - `initrds`: a list, each like `kernel`
    /// - `attempts`: how often to try
    /// - `check_digests`, `check_signatures`: whether to
    /// - `machine_parameters`, `machine_overlays`: whether the settings `netboot-parameters` and
    ///   `netboot-overlay` (the digest of an initrd) of the machine count
    /// - `machine`: the one machine that the script is for, or none
    /// - `overlay_name`: the name of that initrd
    /// - `blobs_url`: where payloads lie that are named by digest
    ///
    /// Blocks: `begin`, `before_boot`, `give_up`.
    Image,
    /// Lets a person choose among the images. Variables:
    /// - `title`
    /// - `menus`: a list, the first of which is the main one, each with `label`, `title`, `parent`
    ///   (a label), `default` (a label or none) and `entries` (a list, each with `name`, `text`
    ///   and `key`; a heading has no `name`, an empty line no `text`)
    /// - `images`: those that the menus name, each with `label`, `title` and `url`
    /// - `default`: the label of what starts when nobody chooses
    /// - `timeout_milliseconds`: after how long (0: never)
    /// - `retry_milliseconds`: after how long a machine tries its own profile again
    /// - `escape`: the label for Ctrl-C
    /// - `shell_item`, `reboot_item`: whether there is one
    /// - `first_disk`: whether the local disk is started by BIOS's number
    /// - `machine_parameters`, `machine_overlays`: as for an image
    Menu,
    /// Sends each machine to its image. Variables:
    /// - `settings`: those to clear at first
    /// - `lookups`: a list in the order of precedence, each with `conditions` (each with `test`
    ///   and `label`), `jump` (a label with a setting in it), `file` (a URL with settings in it),
    ///   `tables` (a list, each with `labels` and `url`), `table_jump` and `end` (labels)
    /// - `assignments`: a list, each with `name`, `labels`, `profile`, `parameters` (a list),
    ///   `overlay`, `overlay_signature`, `token_url` and `consume_url` (or none of these)
    /// - `unknown`: `menu`, `profile`, `local-disk` or `refuse`; `unknown_profile`
    /// - `menu_url`, or none
    /// - `probe_url`: a file that is there where `file`s may be missing, or none
    /// - `tokens`: whether a machine boots by token
    /// - `first_disk`: as for the menu
    /// - `refuse_seconds`: how long a machine waits that is refused
    ///
    /// Blocks: `refuse`.
    Dispatch,
    /// Tells some machines what they boot, and nothing of images. Variables: `conditions`, `jump`
    /// and `assignments` as for [`Dispatch`](Self::Dispatch).
    MachineTable,
    /// Chooses among images by architecture. Variables: `family` and `images` (a list, each with
    /// `architecture` and `url`).
    Family,
    /// Leads to the live release. Variables: `release` (the first digits of its id),
    /// `release_url` (its directory, from the target's root), `menu_url` (or none).
    Pointer,
    /// The static entry for every machine. Variables: `pointer_url`, `rounds`. Blocks: `start`,
    /// `failed`.
    BootEntry,
    /// The static entry of one profile. Variables: `profile`, `pointer_url`, `rounds`. Blocks:
    /// `start`, `failed`.
    ProfileEntry,
    /// The entry that asks a service which answers machines itself. Variables: `service_url`,
    /// `query_url` (the same, ready for parameters behind it), `rounds`. Blocks: `start`, `failed`.
    ServiceEntry,
    /// What a service tells a machine that it has no image for. Variables: `lines` (a list), `next`
    /// (`try-again`, `chain` or `local-disk`), `next_url` (or none), `retry_seconds`, `first_disk`
    /// as for the menu. Blocks: `notice`.
    Notice,
}

impl TemplateName {
    /// Every template there is.
    pub const ALL: [Self; 10] = [
        Self::Image,
        Self::Menu,
        Self::Dispatch,
        Self::MachineTable,
        Self::Family,
        Self::Pointer,
        Self::BootEntry,
        Self::ProfileEntry,
        Self::ServiceEntry,
        Self::Notice,
    ];

    /// What every template may print: `mark` (the comment by which a publisher knows a file for
    /// ours), `pause_seconds` and `longest_pause_seconds` (between attempts, at first and at
    /// most), `shell` (whether to offer iPXE's command line where something failed), `report_url`
    /// (up to the parameter `stage`, or none).
    pub const COMMON_VARIABLES: [&'static str; 5] =
        ["mark", "pause_seconds", "longest_pause_seconds", "shell", "report_url"];

    /// The name, such as `image`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Menu => "menu",
            Self::Dispatch => "dispatch",
            Self::MachineTable => "machine_table",
            Self::Family => "family",
            Self::Pointer => "pointer",
            Self::BootEntry => "boot_entry",
            Self::ProfileEntry => "profile_entry",
            Self::ServiceEntry => "service_entry",
            Self::Notice => "notice",
        }
    }

    /// The built-in text, as a start for one of your own.
    pub fn built_in(self) -> &'static str {
        match self {
            Self::Image => include_str!("../templates/image.ipxe"),
            Self::Menu => include_str!("../templates/menu.ipxe"),
            Self::Dispatch => include_str!("../templates/dispatch.ipxe"),
            Self::MachineTable => include_str!("../templates/machine_table.ipxe"),
            Self::Family => include_str!("../templates/family.ipxe"),
            Self::Pointer => include_str!("../templates/pointer.ipxe"),
            Self::BootEntry => include_str!("../templates/boot_entry.ipxe"),
            Self::ProfileEntry => include_str!("../templates/profile_entry.ipxe"),
            Self::ServiceEntry => include_str!("../templates/service_entry.ipxe"),
            Self::Notice => include_str!("../templates/notice.ipxe"),
        }
    }

    /// The variables that the template may print besides the common ones.
    pub fn variables(self) -> &'static [&'static str] {
        match self {
            Self::Image => &[
                "profile",
                "kernel",
                "arguments",
                "initrds",
                "attempts",
                "check_digests",
                "check_signatures",
                "machine",
                "machine_parameters",
                "machine_overlays",
                "overlay_name",
                "blobs_url",
            ],
            Self::Menu => &[
                "title",
                "menus",
                "images",
                "default",
                "timeout_milliseconds",
                "retry_milliseconds",
                "escape",
                "shell_item",
                "reboot_item",
                "first_disk",
                "machine_parameters",
                "machine_overlays",
            ],
            Self::Dispatch => &[
                "settings",
                "lookups",
                "assignments",
                "unknown",
                "unknown_profile",
                "menu_url",
                "probe_url",
                "tokens",
                "first_disk",
                "refuse_seconds",
            ],
            Self::MachineTable => &["conditions", "jump", "assignments"],
            Self::Family => &["family", "images"],
            Self::Pointer => &["release", "release_url", "menu_url"],
            Self::BootEntry => &["pointer_url", "rounds"],
            Self::ProfileEntry => &["profile", "pointer_url", "rounds"],
            Self::ServiceEntry => &["service_url", "query_url", "rounds"],
            Self::Notice => &["lines", "next", "next_url", "retry_seconds", "first_disk"],
        }
    }
}

impl fmt::Display for TemplateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
