//! The names of the templates, and the variables of each.

use std::fmt;

/// The name of a template.
///
/// Templates are written in the language of [Tera](https://keats.github.io/tera/). A caller can
/// replace a built-in template. The new text may use the variables that are listed here, those in
/// [`COMMON_VARIABLES`](Self::COMMON_VARIABLES), and the caller's own variables
/// ([`RendererBuilder::variable`](crate::RendererBuilder::variable)). It may include the caller's
/// parts ([`RendererBuilder::part`](crate::RendererBuilder::part)) by their names, and extend or
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
    /// - `kernel`: with `name`, `url`, `sha256` and `signature_url` (null without signatures). For
    ///   machines with Secure Boot, it is the UKI, and there are no arguments and no initrds
    /// - `shim`: like `kernel`, or null. iPXE gives it this `name`, so no option does
    /// - `arguments`: the kernel's command line, a list, with the parameters of a closure
    /// - `initrds`: a list, each like `kernel`
    /// - `attempts`: the number of attempts
    /// - `check_digests`, `check_signatures`: true if the script checks them
    /// - `machine_parameters`, `machine_overlays`: true if the script uses the settings
    ///   `netboot-parameters` and `netboot-overlay` (the digest of an initrd) of the machine
    /// - `machine`: the one machine that the script is for, or null
    /// - `overlay_name`: the name of that initrd
    /// - `blobs_url`: the URL of the payloads that are named by digest
    ///
    /// Blocks: `begin`, `before_boot`, `give_up`.
    Image,
    /// Lets a person choose among the images. Variables:
    /// - `title`
    /// - `menus`: a list that starts with the main menu, each with `label`, `title`, `parent` (a
    ///   label), `default` (a label or null) and `entries` (a list, each with `name`, `text` and
    ///   `key`; a heading has no `name`, and an empty line has no `text`)
    /// - `images`: those that the menus name, each with `label`, `title` and `url`
    /// - `default`: the label of the default choice
    /// - `timeout_milliseconds`: the time after which it starts (0: never)
    /// - `retry_milliseconds`: the time after which a machine tries its own profile again
    /// - `escape`: the label for Ctrl-C
    /// - `shell_item`, `reboot_item`: true if there is such an item
    /// - `first_disk`: true if the script starts the local disk by its BIOS number
    /// - `machine_parameters`, `machine_overlays`: as for an image
    Menu,
    /// Sends each machine to its image. Variables:
    /// - `settings`: the settings to clear first
    /// - `lookups`: a list in the order of precedence, each with `conditions` (each with `test`
    ///   and `label`), `jump` (a label with a setting in it), `file` (a URL with settings in it),
    ///   `tables` (a list, each with `labels` and `url`), `table_jump` and `end` (labels)
    /// - `assignments`: a list, each with `name`, `labels`, `profile`, `parameters` (a list),
    ///   `overlay`, `overlay_signature`, `token_url` and `consume_url` (each may be null)
    /// - `unknown`: `menu`, `profile`, `local-disk` or `refuse`; `unknown_profile`
    /// - `menu_url`, or null
    /// - `probe_url`: a file that always exists, to compare with a missing `file`, or null
    /// - `tokens`: true if some machine boots by token
    /// - `first_disk`: as for the menu
    /// - `refuse_seconds`: the time that a refused machine waits
    ///
    /// Blocks: `refuse`.
    Dispatch,
    /// Tells some machines what they boot, without the data of images. Variables: `conditions`,
    /// `jump` and `assignments` as for [`Dispatch`](Self::Dispatch).
    MachineTable,
    /// Chooses among images by architecture. Variables: `family` and `images` (a list, each with
    /// `architecture` and `url`).
    Family,
    /// Leads to the live release. Variables: `release` (the first digits of its id),
    /// `release_url` (its directory, from the target's root), `menu_url` (or null). The values
    /// hold placeholders ([`PointerTemplate`](netboot_core::PointerTemplate)) instead of the id.
    Pointer,
    /// The static entry for every machine. Variables: `pointer_url`, `rounds`. Blocks: `start`,
    /// `failed`.
    BootEntry,
    /// The static entry of one profile. Variables: `profile`, `pointer_url`, `rounds`. Blocks:
    /// `start`, `failed`.
    ProfileEntry,
    /// The first script of an iPXE that firmware fetched by HTTP. It leads to the static entry
    /// beside it. Variables: `entry_url`.
    Autoexec,
    /// The entry that asks a service which answers machines itself. Variables: `service_url`,
    /// `query_url` (that URL, ready for more parameters), `rounds`. Blocks: `start`, `failed`.
    ServiceEntry,
    /// Tells a machine why a service has no image for it. Variables: `lines` (a list), `next`
    /// (`try-again`, `chain` or `local-disk`), `next_url` (or null), `retry_seconds`, `first_disk`
    /// as for the menu. Blocks: `notice`.
    Notice,
}

impl TemplateName {
    /// All templates.
    pub const ALL: [Self; 11] = [
        Self::Image,
        Self::Menu,
        Self::Dispatch,
        Self::MachineTable,
        Self::Family,
        Self::Pointer,
        Self::BootEntry,
        Self::ProfileEntry,
        Self::Autoexec,
        Self::ServiceEntry,
        Self::Notice,
    ];

    /// The variables of all templates: `mark` (the comment by which a publisher recognizes a
    /// generated file), `pause_seconds` and `longest_pause_seconds` (the first and the longest
    /// pause between attempts), `shell` (true if scripts offer the command line of iPXE after a
    /// failure) and `report_url` (up to the parameter `stage`, or null).
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
            Self::Autoexec => "autoexec",
            Self::ServiceEntry => "service_entry",
            Self::Notice => "notice",
        }
    }

    /// The built-in text, as a start for your own.
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
            Self::Autoexec => include_str!("../templates/autoexec.ipxe"),
            Self::ServiceEntry => include_str!("../templates/service_entry.ipxe"),
            Self::Notice => include_str!("../templates/notice.ipxe"),
        }
    }

    /// The variables of the template, without the common ones.
    pub fn variables(self) -> &'static [&'static str] {
        match self {
            Self::Image => &[
                "profile",
                "kernel",
                "shim",
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
            Self::Autoexec => &["entry_url"],
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
