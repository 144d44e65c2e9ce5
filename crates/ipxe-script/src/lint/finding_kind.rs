//! What can be wrong with a script.

use serde::{Deserialize, Serialize};

use crate::lint::severity::Severity;

/// Declares the kinds of findings, so that none lacks a severity or a code.
macro_rules! finding_kinds {
    ($(
        $(#[doc = $doc:literal])+
        $severity:ident $code:literal $name:ident $({ $($(#[doc = $field_doc:literal])+ $field:ident: $type:ty,)+ })?
    )+) => {
        /// What is wrong with a script.
        ///
        /// Each kind has a [code](Self::code) that stays the same, by which it is named in JSON.
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(tag = "code")]
        #[non_exhaustive]
        pub enum LintFindingKind {
            $(
                $(#[doc = $doc])+
                #[serde(rename = $code)]
                $name $({ $($(#[doc = $field_doc])+ $field: $type,)+ })?,
            )+
        }

        impl LintFindingKind {
            /// The codes of all kinds.
            pub const CODES: &'static [&'static str] = &[$($code),+];

            /// Its code, such as `undefined-label`.
            pub fn code(&self) -> &'static str {
                match self {
                    $(Self::$name { .. } => $code,)+
                }
            }

            /// How bad it is.
            pub fn severity(&self) -> Severity {
                match self {
                    $(Self::$name { .. } => Severity::$severity,)+
                }
            }
        }
    };
}

finding_kinds! {
    /// iPXE does not take the text for a script.
    Error "magic" Magic {
        /// Why.
        problem: String,
    }
    /// A carriage return: iPXE drops one at a line's end, and splits words at the others.
    Warning "carriage-return" CarriageReturn
    /// A NUL, at which iPXE ends the line.
    Error "nul" Nul
    /// A byte that is not ASCII: a BIOS shows another character, and URLs are sent mangled.
    Warning "not-ascii" NotAscii {
        /// The word.
        word: String,
    }
    /// A control character, which drives the terminal or is taken for a space.
    Warning "control-character" ControlCharacter {
        /// Its number.
        byte: u8,
    }
    /// The last line is continued with `\`: iPXE executes nothing of it, and the script fails.
    Error "open-end" OpenEnd
    /// A comment ends in `\`, so that the next line belongs to it.
    Error "continued-comment" ContinuedComment {
        /// What is not executed.
        swallowed: String,
    }
    /// A `#` begins a comment, and a `||`, `&&` or `;` is in it.
    Error "comment-hides-separator" CommentHidesSeparator {
        /// The comment.
        comment: String,
    }
    /// A word that begins with `#` cuts the arguments before it short.
    Warning "comment-cuts-arguments" CommentCutsArguments {
        /// The comment.
        comment: String,
    }
    /// `&&`, `||` or `;` within a word, where it separates nothing.
    Warning "glued-separator" GluedSeparator {
        /// The word.
        word: String,
    }
    /// `&&`, `||` or `;` with no command on the side where it needs one.
    Warning "dangling-separator" DanglingSeparator {
        /// The separator.
        separator: String,
    }
    /// A quote or an operator of a shell, which iPXE takes as it stands.
    Warning "shell-syntax" ShellSyntax {
        /// The word.
        word: String,
    }
    /// `${` and `}` with a space between them: iPXE splits words before it expands them.
    Error "split-expansion" SplitExpansion {
        /// The words.
        words: String,
    }
    /// A `${` that nothing closes, which stays as it stands.
    Error "open-expansion" OpenExpansion {
        /// The word.
        word: String,
    }
    /// A command that the build lacks, or that iPXE does not have.
    Error "unknown-command" UnknownCommand {
        /// The command.
        command: String,
        /// Whether other builds have it.
        elsewhere: bool,
    }
    /// An option that the build's command lacks.
    Error "unknown-option" UnknownOption {
        /// The command.
        command: String,
        /// The word.
        option: String,
        /// Whether other builds have it.
        elsewhere: bool,
    }
    /// An option whose value is missing, not a number, or not wanted.
    Error "option-value" OptionValue {
        /// The command.
        command: String,
        /// What is wrong.
        problem: String,
    }
    /// An argument that is to be a number and is none.
    Error "malformed-number" MalformedNumber {
        /// The command.
        command: String,
        /// The argument.
        argument: String,
    }
    /// A command with fewer or more arguments than it takes.
    Error "argument-count" ArgumentCount {
        /// The command.
        command: String,
        /// How many there are.
        arguments: usize,
        /// How many it needs.
        minimum: usize,
        /// How many it takes.
        maximum: usize,
    }
    /// A command with more arguments than iPXE takes at all.
    Error "too-many-arguments" TooManyArguments {
        /// The command.
        command: String,
        /// How many there are.
        arguments: usize,
        /// How many there may be.
        limit: usize,
    }
    /// A line with more words than iPXE's stack holds: a BIOS hangs or crashes.
    Error "too-many-words" TooManyWords {
        /// How many there are, separators and the words of a comment included.
        words: usize,
        /// How many there may be.
        limit: usize,
    }
    /// A kernel command line that a BIOS cuts and a kernel under UEFI refuses.
    Error "command-line-too-long" CommandLineTooLong {
        /// Its length in bytes, with the image's name before it as UEFI has it.
        length: usize,
        /// How many bytes there may be.
        limit: usize,
    }
    /// An option of the command behind its first argument, where it is an argument.
    Warning "misplaced-option" MisplacedOption {
        /// The command.
        command: String,
        /// The option.
        option: String,
    }
    /// A URL that the build cannot open.
    Error "missing-protocol" MissingProtocol {
        /// What it begins with.
        scheme: String,
    }
    /// A percent-escape that builds of 2019 decode before they send the URL.
    Error "reencoded-escape" ReencodedEscape {
        /// The escape.
        escape: String,
    }
    /// `sleep 0`, which does not wait.
    Warning "zero-sleep" ZeroSleep
    /// `isset` or `iseq` of texts that never change.
    Warning "constant-condition" ConstantCondition {
        /// The command.
        command: String,
    }
    /// A jump to a label that is not there.
    Error "undefined-label" UndefinedLabel {
        /// The label.
        label: String,
    }
    /// A label that is defined before: no jump comes here.
    Error "duplicate-label" DuplicateLabel {
        /// The label.
        label: String,
        /// The line of the first.
        first: usize,
    }
    /// A jump to wherever a setting says, with nothing to do if there is no such label.
    Warning "dynamic-label" DynamicLabel {
        /// The word.
        label: String,
    }
    /// `${` in the definition of a label, where iPXE expands nothing.
    Error "expansion-in-label" ExpansionInLabel {
        /// The label.
        label: String,
    }
    /// Commands that nothing leads to.
    Warning "unreachable" Unreachable
    /// A setting that is read, and that neither the script nor the machine sets.
    Warning "never-set" NeverSet {
        /// Its name.
        setting: String,
    }
    /// A type of settings that the build lacks.
    Error "unknown-setting-type" UnknownSettingType {
        /// The setting.
        setting: String,
        /// The type.
        setting_type: String,
    }
    /// A setting whose value is an expansion of itself: iPXE hangs when it prints it.
    Error "self-reference" SelfReference {
        /// The setting.
        setting: String,
    }
    /// `inc` of a setting that `set` gave no type of numbers, which fails.
    Error "not-a-number" NotANumber {
        /// The setting.
        setting: String,
    }
    /// `choose` with a default that is not among the items: iPXE picks the first.
    Error "unknown-default" UnknownDefault {
        /// The default.
        item: String,
    }
    /// `choose` from a menu that has no item.
    Error "choose-without-items" ChooseWithoutItems
    /// `item` or `choose` before there is a menu.
    Error "item-without-menu" ItemWithoutMenu {
        /// The command.
        command: String,
    }
    /// `boot` where on some path no image is selected: it does nothing, and succeeds.
    Error "nothing-selected" NothingSelected {
        /// The command.
        command: String,
    }
    /// An image is fetched where others may still be there, which the kernel gets as well.
    Warning "stray-images" StrayImages {
        /// The command.
        command: String,
    }
    /// An initrd without `--name`, whose URL does not tell its name.
    Warning "unnamed-initrd" UnnamedInitrd
    /// An initrd that the kernel's command line does not name, on a build that loads no other.
    Error "initrd-not-loaded" InitrdNotLoaded {
        /// The initrd's name.
        initrd: String,
    }
    /// `initrd=` names an image that is not fetched.
    Warning "unknown-initrd" UnknownInitrd {
        /// The name.
        initrd: String,
    }
    /// Two images of one name: iPXE finds the first.
    Warning "duplicate-image" DuplicateImage {
        /// The name.
        image: String,
    }
    /// A command names an image that is not fetched, and so begins a download.
    Warning "unknown-image" UnknownImage {
        /// The command.
        command: String,
        /// The name.
        image: String,
    }
    /// An image that can be booted without having been verified, in a script that verifies images.
    Error "unverified-image" UnverifiedImage {
        /// Its name.
        image: String,
    }
    /// `imgverify` where on some path `imgtrust` was not executed.
    Warning "verify-without-trust" VerifyWithoutTrust
    /// A command whose failure ends the script without a word of the script's own.
    Warning "unhandled-failure" UnhandledFailure {
        /// The command.
        command: String,
    }
    /// A loop without a pause and without an end.
    Warning "endless-retry" EndlessRetry
}
