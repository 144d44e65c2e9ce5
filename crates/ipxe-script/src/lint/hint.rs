//! The hint for each finding.

use crate::lint::finding_kind::LintFindingKind;

impl LintFindingKind {
    /// Tells the author of the script what to do, as a sentence without a period.
    #[expect(clippy::too_many_lines, reason = "one sentence for each kind")]
    pub fn hint(&self) -> String {
        let text = match self {
            Self::Magic { .. } => "start the script with the line `#!ipxe`",
            Self::CarriageReturn => {
                "replace it with a line feed where a line ends, and with a space elsewhere"
            }
            Self::Nul => "remove the NUL byte",
            Self::NotAscii { .. } => "use ASCII only, and percent-encode URLs",
            Self::ControlCharacter { .. } => "replace the character with a space, or remove it",
            Self::OpenEnd => "remove the `\\`, or add the missing line",
            Self::ContinuedComment { .. } => "remove the `\\` at the end of the comment",
            Self::CommentHidesSeparator { .. } => {
                "put the comment on its own line; if it is meant as text, put another character \
                 before the `#`"
            }
            Self::CommentCutsArguments { .. } => {
                "put the comment on its own line, or add a space after the `#`; if it is meant as \
                 text, put another character before the `#`"
            }
            Self::GluedSeparator { .. } => "put a space on each side of the separator",
            Self::DanglingSeparator { .. } => "add the missing command, or remove the separator",
            Self::ShellSyntax { .. } => "remove it: iPXE has no quotes, pipes or redirections",
            Self::SplitExpansion { .. } => "write the name of the setting without spaces",
            Self::OpenExpansion { .. } => "put a `}` after the name of the setting",
            Self::UnknownCommand { elsewhere: true, command } => {
                return format!(
                    "do without it, put `||` after it if the script can go on without it, or use an \
                     iPXE build that has `{command}`"
                );
            }
            Self::UnknownCommand { elsewhere: false, .. } => {
                "correct the name; in iPXE, `help` lists the commands"
            }
            Self::UnknownOption { elsewhere: true, .. } => {
                "do without the option, or use a later iPXE build"
            }
            Self::UnknownOption { elsewhere: false, command, .. } => {
                return format!(
                    "correct the option (`{command} --help` lists them), or put `--` before an \
                     argument that starts with `-`"
                );
            }
            Self::OptionValue { .. } => "give the option a value of the right form",
            Self::MalformedNumber { .. } => "give a number without a unit",
            Self::ArgumentCount { command, .. } => {
                return format!("give it the number of arguments that `{command} --help` shows");
            }
            Self::TooManyArguments { .. } | Self::CommandLineTooLong { .. } => {
                "remove kernel parameters"
            }
            Self::TooManyWords { .. } => "split the line into several lines",
            Self::MisplacedOption { .. } => "put the options before the first argument",
            Self::MissingProtocol { .. } => {
                "serve the file over a protocol that the build has, or use another iPXE build"
            }
            Self::ReencodedEscape { .. } => {
                "give the file a name of ASCII letters, digits, `.`, `_` and `-`"
            }
            Self::ZeroSleep => "give the number of seconds to wait",
            Self::ConstantCondition { .. } => "put the name of the setting into `${…}`",
            Self::UndefinedLabel { .. } => "define the label, or correct its name",
            Self::DuplicateLabel { .. } => "give one of them another name",
            Self::DynamicLabel { .. } => {
                "put `||` after the jump, and say what happens for a value without a label"
            }
            Self::ExpansionInLabel { .. } => "write the label without an expansion",
            Self::Unreachable => "remove these commands, or jump to them",
            Self::NeverSet { .. } => {
                "set it, correct its name, check this script together with the one that sets it, or \
                 test with `isset` whether another script has set it"
            }
            Self::MissingSetting { setting } => {
                return format!(
                    "write the value into the script, or use an iPXE build that has `{setting}`"
                );
            }
            Self::UnknownSettingType { .. } => {
                "use string, uristring, int8 to uint32, hex, hexhyp, hexraw, base64, uuid, ipv4 or \
                 ipv6"
            }
            Self::SelfReference { .. } => "give it another value",
            Self::NotANumber { setting } => {
                return format!("write `set {setting}:int32 …` before `inc`");
            }
            Self::UnknownDefault { .. } => "name an item of the menu",
            Self::ChooseWithoutItems => "add items between `menu` and `choose`",
            Self::ItemWithoutMenu { .. } => "put a `menu` command before it",
            Self::NothingSelected { .. } => {
                "make sure that a `kernel` command succeeds on every path to it: `kernel … || goto failed`"
            }
            Self::StrayImages { .. } => "put `imgfree` before the first image of each attempt",
            Self::UnnamedInitrd => {
                "give it a name with `--name`, and add `initrd=` with that name to the kernel"
            }
            Self::InitrdNotLoaded { initrd } => {
                return format!("add `initrd={initrd}` to the arguments of `kernel`");
            }
            Self::UnknownInitrd { initrd } => {
                return format!(
                    "fetch it with `initrd --name {initrd} …`, or remove the `initrd=`"
                );
            }
            Self::DuplicateImage { .. } => "give each image its own `--name`",
            Self::UnknownImage { .. } => "fetch the image first, or correct the name",
            Self::UnverifiedImage { image } => {
                return format!(
                    "put `imgverify {image} <signature> || goto failed` between the download and \
                     `boot`"
                );
            }
            Self::UnsignedProgram { .. } => {
                "fetch a program that a key of the firmware signed, and tell the linter its URL or \
                 its file name"
            }
            Self::ArgumentsOfUki { .. } => {
                "remove the arguments, and make the UKI with the command line that machines need"
            }
            Self::InitrdOfUki => {
                "remove the `initrd` command, and make the UKI with all initrds that machines need"
            }
            Self::VerifyWithoutTrust => "put `imgtrust || goto failed` before it",
            Self::ClosureWithoutSource => {
                "add `netboot.from=` with the `http://` URL of the directory that contains `blobs/`"
            }
            Self::UnusableClosureSource { .. } => {
                "give an absolute `http://` URL: stage 1 checks every byte by its digest, so the \
                 connection needs no encryption"
            }
            Self::MalformedClosureIndex { .. } => {
                "give the 64 hexadecimal digits of the digest, which is the name of the index below \
                 `blobs/`"
            }
            Self::ClosureWithoutCard => {
                "add `BOOTIF=01-${netX/mac:hexhyp}` to the arguments of `kernel`"
            }
            Self::UnhandledFailure { .. } => {
                "put `|| goto failed` after it, and print there what failed"
            }
            Self::ExitToFirmwareMenu => {
                "write `exit 1`: UEFI and a BIOS then both start the next boot device"
            }
            Self::EndlessRetry => "put a `sleep` into the loop, or limit the number of rounds",
        };
        text.to_owned()
    }
}
