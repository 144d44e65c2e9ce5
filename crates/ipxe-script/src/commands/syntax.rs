//! The options of a command, and the number of its arguments.

use crate::dialect::Version;

/// The largest number of arguments that a command can have, without its options (`MAX_ARGUMENTS` in
/// iPXE's `src/include/ipxe/parseopt.h`).
pub const ARGUMENT_LIMIT: usize = 255;

/// Tells whether an option takes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OptionValue {
    /// It takes none, and `--option=value` is an error.
    None,
    /// It takes one: the rest of the word after `=`, or the next word if that does not start with
    /// `-`.
    Required(ValueForm),
}

/// The form of an option's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ValueForm {
    /// Any text.
    Text,
    /// A number: decimal, octal with a leading `0`, or hexadecimal with a leading `0x`.
    Number,
    /// A single character, or the number of a key.
    Key,
    /// The name of a setting.
    Setting,
    /// The name of a network interface or of a configurator, which depends on the machine.
    Device,
}

/// An option of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct OptionSyntax {
    /// The long name, which follows `--`. It cannot be abbreviated.
    pub long: &'static str,
    /// The short name, which follows `-`.
    pub short: u8,
    /// Tells whether it takes a value.
    pub value: OptionValue,
    /// The first version with it.
    pub since: Version,
}

/// A command that takes options and arguments by the rules that most commands share.
///
/// It describes the source of a version. The configuration of a build decides which commands the
/// build has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CommandSyntax {
    /// The name.
    pub name: &'static str,
    /// The options of all versions. Every command also has `--help` and `-h`, with which it fails.
    pub all_options: &'static [OptionSyntax],
    /// The smallest number of arguments.
    pub minimum: usize,
    /// The largest number of arguments.
    pub maximum: usize,
    /// The first version with it.
    pub since: Version,
}

impl CommandSyntax {
    /// The options in a version.
    pub fn options(&self, version: Version) -> impl Iterator<Item = &'static OptionSyntax> {
        self.all_options.iter().filter(move |option| option.since <= version)
    }
}
