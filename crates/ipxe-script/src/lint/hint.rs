//! What to do about findings.

use crate::lint::finding_kind::LintFindingKind;

impl LintFindingKind {
    /// What the author of the script does about it.
    #[expect(clippy::too_many_lines, reason = "one sentence for each kind")]
    pub fn hint(&self) -> String {
        let text = match self {
            Self::Magic { .. } => "let the script begin with the line `#!ipxe`",
            Self::CarriageReturn => "end lines with a line feed only",
            Self::Nul => "take the NUL away",
            Self::NotAscii { .. } => "write ASCII, and percent-encode URLs",
            Self::ControlCharacter { .. } => "write a space, or take the character away",
            Self::OpenEnd => "take the `\\` away, or complete the line",
            Self::ContinuedComment { .. } => "take the `\\` at the comment's end away",
            Self::CommentHidesSeparator { .. } => {
                "put the comment on a line of its own; for text that begins with `#`, put another \
                 character before it"
            }
            Self::CommentCutsArguments { .. } => {
                "put the comment on a line of its own, or a space behind its `#`; for text, put \
                 another character before the `#`"
            }
            Self::GluedSeparator { .. } => "put a space on either side of the separator",
            Self::DanglingSeparator { .. } => "complete the line, or take the separator away",
            Self::ShellSyntax { .. } => "take it away: iPXE has no quotes, pipes or redirections",
            Self::SplitExpansion { .. } => "name a setting without spaces",
            Self::OpenExpansion { .. } => "put a `}` behind the setting's name",
            Self::UnknownCommand { elsewhere: true, command } => {
                return format!(
                    "do without it, put `||` behind it if it is not needed, or use a build of iPXE \
                     that has `{command}`"
                );
            }
            Self::UnknownCommand { elsewhere: false, .. } => {
                "correct the name; `help` lists the commands of a build"
            }
            Self::UnknownOption { elsewhere: true, .. } => {
                "do without the option, or use a later build of iPXE"
            }
            Self::UnknownOption { elsewhere: false, command, .. } => {
                return format!(
                    "correct the option (`{command} --help` lists them); put `--` before an \
                     argument that begins with `-`"
                );
            }
            Self::OptionValue { .. } => "give the option what it takes",
            Self::MalformedNumber { .. } => "give a number without a unit",
            Self::ArgumentCount { command, .. } => {
                return format!("give it as many arguments as `{command} --help` says");
            }
            Self::TooManyArguments { .. } | Self::CommandLineTooLong { .. } => {
                "drop kernel parameters"
            }
            Self::TooManyWords { .. } => "write several lines",
            Self::MisplacedOption { .. } => "put the options before the first argument",
            Self::MissingProtocol { .. } => {
                "serve the file over a protocol that the build has, or use another build of iPXE"
            }
            Self::ReencodedEscape { .. } => {
                "serve the file under a name of ASCII letters, digits, `.`, `_` and `-`"
            }
            Self::ZeroSleep => "give the seconds to wait",
            Self::ConstantCondition { .. } => "put the setting's name into `${…}`",
            Self::UndefinedLabel { .. } => "define the label, or correct its name",
            Self::DuplicateLabel { .. } => "give one of them another name",
            Self::DynamicLabel { .. } => {
                "put `||` behind the jump and say what happens to values without a label"
            }
            Self::ExpansionInLabel { .. } => "write the label out",
            Self::Unreachable => "take it away, or jump to it",
            Self::NeverSet { .. } => {
                "set it, correct its name, or ask with `isset` whether another script has set it"
            }
            Self::UnknownSettingType { .. } => {
                "use string, uristring, int8 to uint32, hex, hexhyp, hexraw, base64, uuid, ipv4 or \
                 ipv6"
            }
            Self::SelfReference { .. } => "give it another value",
            Self::NotANumber { setting } => {
                return format!("write `set {setting}:int32 …` before it is counted up");
            }
            Self::UnknownDefault { .. } => "name an item of the menu",
            Self::ChooseWithoutItems => "add items between `menu` and `choose`",
            Self::ItemWithoutMenu { .. } => "put `menu` before it",
            Self::NothingSelected { .. } => {
                "let every path to it pass a `kernel` that succeeds: `kernel … || goto failed`"
            }
            Self::StrayImages { .. } => "put `imgfree` before the first image of each attempt",
            Self::UnnamedInitrd => "give it a name with `--name`, and the kernel `initrd=` with it",
            Self::InitrdNotLoaded { initrd } => {
                return format!("add `initrd={initrd}` to the arguments of `kernel`");
            }
            Self::UnknownInitrd { initrd } => {
                return format!("fetch it with `initrd --name {initrd} …`, or take it away");
            }
            Self::DuplicateImage { .. } => "give each image a `--name` of its own",
            Self::UnknownImage { .. } => "fetch the image first, or correct the name",
            Self::UnverifiedImage { image } => {
                return format!(
                    "put `imgverify {image} <signature> || goto failed` between fetching and booting"
                );
            }
            Self::VerifyWithoutTrust => "put `imgtrust || goto failed` before it",
            Self::UnhandledFailure { .. } => {
                "put `|| goto failed` behind it, and say there what failed"
            }
            Self::EndlessRetry => "put a `sleep` into the loop, or count its rounds",
        };
        text.to_owned()
    }
}
