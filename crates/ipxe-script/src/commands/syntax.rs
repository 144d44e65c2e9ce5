//! What a command takes: its options, and how many arguments.

use crate::dialect::Version;

/// The most arguments that any command takes, options apart (`MAX_ARGUMENTS` in iPXE's
/// `src/include/ipxe/parseopt.h`).
pub const ARGUMENT_LIMIT: usize = 255;

/// Whether an option has a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OptionValue {
    /// It has none, and `--option=value` is an error.
    None,
    /// It has one: in the same word, or the next word, unless that begins with `-`.
    Required(ValueForm),
}

/// What the value of an option, or an argument, has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ValueForm {
    /// Any text.
    Text,
    /// A number, decimal, or octal or hexadecimal with a leading `0` or `0x`.
    Number,
    /// A single character, or the number of a key.
    Key,
    /// The name of a setting.
    Setting,
    /// The name of a network interface or of a configurator, which only a machine can tell.
    Device,
}

/// An option of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct OptionSyntax {
    /// What stands behind `--`. It cannot be abbreviated.
    pub long: &'static str,
    /// What stands behind `-`.
    pub short: u8,
    /// Whether it has a value.
    pub value: OptionValue,
    /// The first version that has it.
    pub since: Version,
}

/// A command that takes options and arguments by the common rules.
///
/// It says what a version's source has; which commands a build has is a matter of its
/// configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CommandSyntax {
    /// Its name.
    pub name: &'static str,
    /// Its options in all versions; every command also has `--help`, `-h`, with which it fails.
    pub all_options: &'static [OptionSyntax],
    /// How many arguments it has at least.
    pub minimum: usize,
    /// How many arguments it has at most.
    pub maximum: usize,
    /// The first version that has it.
    pub since: Version,
}

impl CommandSyntax {
    /// The options that a version has.
    pub fn options(&self, version: Version) -> impl Iterator<Item = &'static OptionSyntax> {
        self.all_options.iter().filter(move |option| option.since <= version)
    }
}
