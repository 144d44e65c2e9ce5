//! The problems that the linter finds in scripts.

use serde::{Deserialize, Serialize};

use crate::lint::severity::Severity;

/// Declares the kinds of findings, each with its severity and its code.
macro_rules! finding_kinds {
    ($(
        $(#[doc = $doc:literal])+
        $severity:ident $code:literal $name:ident $({ $($(#[doc = $field_doc:literal])+ $field:ident: $type:ty,)+ })?
    )+) => {
        /// The problem with a script.
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

            /// Returns the code, such as `undefined-label`.
            pub fn code(&self) -> &'static str {
                match self {
                    $(Self::$name { .. } => $code,)+
                }
            }

            /// Returns the severity of the finding.
            pub fn severity(&self) -> Severity {
                match self {
                    $(Self::$name { .. } => Severity::$severity,)+
                }
            }
        }
    };
}

finding_kinds! {
    /// iPXE does not recognize the text as a script.
    Error "magic" Magic {
        /// The reason.
        problem: String,
    }
    /// A carriage return inside a line, where iPXE splits words at it. iPXE drops the one at the
    /// end of a line.
    Warning "carriage-return" CarriageReturn
    /// A NUL byte. iPXE ends the line there.
    Error "nul" Nul
    /// A byte that is not ASCII. A BIOS shows another character, and iPXE sends other URLs.
    Warning "not-ascii" NotAscii {
        /// The word.
        word: String,
    }
    /// A control character. It controls the terminal, or iPXE reads it as a space.
    Warning "control-character" ControlCharacter {
        /// The character's number.
        byte: u8,
    }
    /// The last line ends with `\`. iPXE executes no part of it, and the script fails.
    Error "open-end" OpenEnd
    /// A comment ends with `\`, so the next line belongs to it.
    Error "continued-comment" ContinuedComment {
        /// The text that iPXE does not execute.
        swallowed: String,
    }
    /// A comment contains `||`, `&&` or `;`.
    Error "comment-hides-separator" CommentHidesSeparator {
        /// The comment.
        comment: String,
    }
    /// A word that starts with `#` ends the arguments before it.
    Warning "comment-cuts-arguments" CommentCutsArguments {
        /// The comment.
        comment: String,
    }
    /// `&&`, `||` or `;` inside a word, where it does not separate commands.
    Warning "glued-separator" GluedSeparator {
        /// The word.
        word: String,
    }
    /// `&&`, `||` or `;` without a command on a side that needs one.
    Warning "dangling-separator" DanglingSeparator {
        /// The separator.
        separator: String,
    }
    /// A quote or an operator of a shell, which iPXE takes literally.
    Warning "shell-syntax" ShellSyntax {
        /// The word.
        word: String,
    }
    /// `${` and `}` with a space between them: iPXE splits words before it expands them.
    Error "split-expansion" SplitExpansion {
        /// The words.
        words: String,
    }
    /// A `${` without a closing `}`. iPXE does not expand it.
    Error "open-expansion" OpenExpansion {
        /// The word.
        word: String,
    }
    /// A command that the build or iPXE does not have.
    Error "unknown-command" UnknownCommand {
        /// The command.
        command: String,
        /// True if other builds have it.
        elsewhere: bool,
    }
    /// An option that the command does not have in this build.
    Error "unknown-option" UnknownOption {
        /// The command.
        command: String,
        /// The option as it is written.
        option: String,
        /// True if other builds have it.
        elsewhere: bool,
    }
    /// An option with a missing value, a value that is no number, or a value that it does not take.
    Error "option-value" OptionValue {
        /// The command.
        command: String,
        /// The problem with the option.
        problem: String,
    }
    /// An argument that should be a number and is not.
    Error "malformed-number" MalformedNumber {
        /// The command.
        command: String,
        /// The argument.
        argument: String,
    }
    /// A command with too few or too many arguments.
    Error "argument-count" ArgumentCount {
        /// The command.
        command: String,
        /// The number of arguments.
        arguments: usize,
        /// The smallest number that the command takes.
        minimum: usize,
        /// The largest number that the command takes.
        maximum: usize,
    }
    /// A command with more arguments than iPXE takes for any command.
    Error "too-many-arguments" TooManyArguments {
        /// The command.
        command: String,
        /// The number of arguments.
        arguments: usize,
        /// The largest number that is possible.
        limit: usize,
    }
    /// A line with more words than fit on iPXE's stack. A BIOS hangs or crashes.
    Error "too-many-words" TooManyWords {
        /// The number of words, including separators and the words of a comment.
        words: usize,
        /// The largest number that is possible.
        limit: usize,
    }
    /// A kernel command line that a BIOS truncates and a kernel under UEFI refuses.
    Error "command-line-too-long" CommandLineTooLong {
        /// Its length in bytes, including the image's name, which UEFI puts before it.
        length: usize,
        /// The largest length that is possible, in bytes.
        limit: usize,
    }
    /// An option after the first argument of a command, where iPXE reads it as an argument.
    Warning "misplaced-option" MisplacedOption {
        /// The command.
        command: String,
        /// The option.
        option: String,
    }
    /// A URL with a protocol that the build does not have.
    Error "missing-protocol" MissingProtocol {
        /// The scheme of the URL.
        scheme: String,
    }
    /// A percent-escape that builds of 2019 decode before they send the URL.
    Error "reencoded-escape" ReencodedEscape {
        /// The escape.
        escape: String,
    }
    /// `sleep 0`, which does not wait.
    Warning "zero-sleep" ZeroSleep
    /// `isset` or `iseq` with texts that never change.
    Warning "constant-condition" ConstantCondition {
        /// The command.
        command: String,
    }
    /// A jump to a label that is not defined.
    Error "undefined-label" UndefinedLabel {
        /// The label.
        label: String,
    }
    /// A label that was defined before. Jumps go to the first one.
    Error "duplicate-label" DuplicateLabel {
        /// The label.
        label: String,
        /// The line of the first definition.
        first: usize,
    }
    /// A jump to a label that a setting names, and nothing happens if there is no such label.
    Warning "dynamic-label" DynamicLabel {
        /// The label as it is written.
        label: String,
    }
    /// `${` in the definition of a label, which iPXE does not expand.
    Error "expansion-in-label" ExpansionInLabel {
        /// The label.
        label: String,
    }
    /// Commands that no path through the script reaches.
    Warning "unreachable" Unreachable
    /// A setting that the script reads, and that neither the script nor the machine sets.
    Warning "never-set" NeverSet {
        /// Its name.
        setting: String,
    }
    /// A setting that later builds have, and this one does not. It is empty.
    Warning "missing-setting" MissingSetting {
        /// The setting.
        setting: String,
    }
    /// A type of settings that the build does not have.
    Error "unknown-setting-type" UnknownSettingType {
        /// The setting.
        setting: String,
        /// The type.
        setting_type: String,
    }
    /// A setting with a value that refers to the setting itself. iPXE hangs when it expands it.
    Error "self-reference" SelfReference {
        /// The setting.
        setting: String,
    }
    /// `inc` of a setting without a numeric type, which fails.
    Error "not-a-number" NotANumber {
        /// The setting.
        setting: String,
    }
    /// `choose` with a default that is not an item of the menu. iPXE picks the first item.
    Error "unknown-default" UnknownDefault {
        /// The default.
        item: String,
    }
    /// `choose` from a menu without items.
    Error "choose-without-items" ChooseWithoutItems
    /// `item` or `choose` before there is a menu.
    Error "item-without-menu" ItemWithoutMenu {
        /// The command.
        command: String,
    }
    /// `boot` without a selected image, on some path. It does nothing and succeeds.
    Error "nothing-selected" NothingSelected {
        /// The command.
        command: String,
    }
    /// An image is fetched while images of an earlier attempt in the same script may be left, which
    /// the kernel also gets.
    Warning "stray-images" StrayImages {
        /// The command.
        command: String,
    }
    /// An initrd without `--name` and with a URL that does not tell its name.
    Warning "unnamed-initrd" UnnamedInitrd
    /// An initrd that the kernel command line does not name, on a build that loads only named ones.
    Error "initrd-not-loaded" InitrdNotLoaded {
        /// The initrd's name.
        initrd: String,
    }
    /// `initrd=` names an image that is not fetched.
    Warning "unknown-initrd" UnknownInitrd {
        /// The name.
        initrd: String,
    }
    /// Two images with the same name. iPXE finds the first.
    Warning "duplicate-image" DuplicateImage {
        /// The name.
        image: String,
    }
    /// A command names an image that was not fetched, so it starts a download.
    Warning "unknown-image" UnknownImage {
        /// The command.
        command: String,
        /// The name.
        image: String,
    }
    /// An image that can be booted without verification, in a script that verifies images.
    Error "unverified-image" UnverifiedImage {
        /// Its name.
        image: String,
    }
    /// A program that no key of the firmware signed, for machines with Secure Boot.
    Error "unsigned-program" UnsignedProgram {
        /// The command that starts it.
        command: String,
        /// The program as the script names it.
        program: String,
    }
    /// Arguments for a UKI. Under Secure Boot, only the command line inside of the UKI counts.
    Error "arguments-of-uki" ArgumentsOfUki {
        /// The UKI as the script names it.
        program: String,
    }
    /// An initrd together with a UKI. No signature covers it, and the UKI has its own.
    Error "initrd-of-uki" InitrdOfUki
    /// `imgverify` whose failure does not keep an image from being started, without `imgtrust`
    /// before it on some path.
    Warning "verify-without-trust" VerifyWithoutTrust
    /// A kernel command line with `netboot.index=`, and without any `netboot.from=` that the build
    /// can fill in. Netboot's stage 1 then fetches nothing.
    Error "closure-without-source" ClosureWithoutSource
    /// A `netboot.from=` that Netboot's stage 1 does not fetch from.
    Warning "unusable-closure-source" UnusableClosureSource {
        /// Its value.
        url: String,
    }
    /// A `netboot.index=` that is not the SHA-256 digest of an index.
    Error "malformed-closure-index" MalformedClosureIndex {
        /// Its value.
        digest: String,
    }
    /// A kernel command line with `netboot.index=` and without `BOOTIF=`. Netboot's stage 1 then
    /// does not know which network card to use.
    Warning "closure-without-card" ClosureWithoutCard
    /// A command that ends the script when it fails, without a message from the script.
    Warning "unhandled-failure" UnhandledFailure {
        /// The command.
        command: String,
    }
    /// A successful `exit` on a build with UEFI. The firmware then shows its menu, and does not
    /// start the next boot device.
    Warning "exit-to-firmware-menu" ExitToFirmwareMenu
    /// A loop without a pause and without an end.
    Warning "endless-retry" EndlessRetry
}
