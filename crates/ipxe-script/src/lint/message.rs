//! The message of each finding.

use std::fmt;

use crate::commands::arguments::counted;
use crate::lint::finding_kind::LintFindingKind;

impl fmt::Display for LintFindingKind {
    #[expect(clippy::too_many_lines, reason = "one sentence for each kind")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Magic { problem } => {
                write!(f, "iPXE does not recognize this as a script: {problem}")
            }
            Self::CarriageReturn => f.write_str("the line contains a carriage return"),
            Self::Nul => f.write_str("iPXE ends the line at this NUL byte"),
            Self::NotAscii { word } => write!(f, "`{word}` contains characters that are not ASCII"),
            Self::ControlCharacter { byte } => {
                write!(f, "the line contains the control character {byte:#04x}")
            }
            Self::OpenEnd => {
                f.write_str("the last line of the script ends with `\\`, and no line follows")
            }
            Self::ContinuedComment { swallowed } => {
                write!(f, "the `\\` continues the comment, so `{swallowed}` is not executed")
            }
            Self::CommentHidesSeparator { comment } => {
                write!(f, "iPXE ignores the separator in the comment `{comment}`")
            }
            Self::CommentCutsArguments { comment } => {
                write!(f, "iPXE reads `{comment}` as a comment, not as an argument")
            }
            Self::GluedSeparator { word } => {
                write!(f, "`{word}` is one word, so its separator has no effect")
            }
            Self::DanglingSeparator { separator } => {
                write!(f, "`{separator}` needs a command on both sides")
            }
            Self::ShellSyntax { word } => {
                write!(f, "iPXE is not a shell: it takes `{word}` literally")
            }
            Self::SplitExpansion { words } => {
                write!(f, "iPXE splits `{words}` at its spaces and does not expand it")
            }
            Self::OpenExpansion { word } => write!(f, "the `${{` in `{word}` has no closing `}}`"),
            Self::UnknownCommand { command, elsewhere: true } => {
                write!(f, "this iPXE build has no command `{command}`")
            }
            Self::UnknownCommand { command, elsewhere: false } => {
                write!(f, "iPXE has no command `{command}`")
            }
            Self::UnknownOption { command, option, elsewhere: true } => {
                write!(f, "this iPXE build's `{command}` has no option `{option}`")
            }
            Self::UnknownOption { command, option, elsewhere: false } => {
                write!(f, "`{command}` has no option `{option}`")
            }
            Self::OptionValue { command, problem } => write!(f, "`{command}` fails: {problem}"),
            Self::MalformedNumber { command, argument } => {
                write!(f, "`{command}` takes a number, not `{argument}`")
            }
            Self::ArgumentCount { command, arguments, minimum, maximum } => {
                write!(f, "`{command}` has {} but takes {minimum}", counted(*arguments))?;
                if minimum == maximum { Ok(()) } else { write!(f, " to {maximum}") }
            }
            Self::TooManyArguments { command, arguments, limit } => {
                let given = counted(*arguments);
                write!(f, "`{command}` has {given}, but iPXE takes at most {limit}")
            }
            Self::TooManyWords { words, limit } => {
                write!(
                    f,
                    "the line has {words} words, and iPXE may crash if there are more than {limit}"
                )
            }
            Self::CommandLineTooLong { length, limit } => {
                write!(
                    f,
                    "the kernel command line has {length} bytes, but at most {limit} are possible"
                )
            }
            Self::MisplacedOption { command, option } => {
                write!(f, "`{option}` follows an argument of `{command}`, so it is an argument too")
            }
            Self::MissingProtocol { scheme } => {
                write!(f, "this iPXE build cannot open URLs that begin with `{scheme}:`")
            }
            Self::ReencodedEscape { escape } => {
                write!(f, "iPXE builds of 2019 change `{escape}` before they send it")
            }
            Self::ZeroSleep => f.write_str("`sleep 0` does not wait"),
            Self::ConstantCondition { command } => {
                write!(f, "`{command}` reads no setting, so its result never changes")
            }
            Self::UndefinedLabel { label } => write!(f, "there is no label `{label}` to jump to"),
            Self::DuplicateLabel { label, first } => {
                write!(f, "the label `{label}` is already defined in line {first}")
            }
            Self::DynamicLabel { label } => {
                write!(f, "the script ends if `{label}` names no label")
            }
            Self::ExpansionInLabel { label } => {
                write!(f, "iPXE does not expand the label `{label}`")
            }
            Self::Unreachable => f.write_str("the script never gets here"),
            Self::NeverSet { setting } => write!(f, "nothing here sets the setting `{setting}`"),
            Self::MissingSetting { setting } => {
                write!(f, "this iPXE build has no setting `{setting}`, so it is empty")
            }
            Self::UnknownSettingType { setting, setting_type } => {
                write!(
                    f,
                    "this iPXE build has no type `{setting_type}` for the setting `{setting}`"
                )
            }
            Self::SelfReference { setting } => {
                write!(
                    f,
                    "the value of `{setting}` refers to itself, so iPXE hangs when it expands it"
                )
            }
            Self::NotANumber { setting } => {
                write!(f, "`inc` fails because `{setting}` was set as text, not as a number")
            }
            Self::UnknownDefault { item } => {
                write!(f, "the menu has no item `{item}` for the default choice")
            }
            Self::ChooseWithoutItems => f.write_str("the menu has no item to choose"),
            Self::ItemWithoutMenu { command } => {
                write!(f, "`{command}` fails because there is no menu")
            }
            Self::NothingSelected { command } => {
                write!(f, "`{command}` does nothing and succeeds if no image is selected")
            }
            Self::StrayImages { command } => {
                write!(
                    f,
                    "`{command}` adds an image to those that an earlier attempt may have left"
                )
            }
            Self::UnnamedInitrd => f.write_str("the URL does not tell the name of the initrd"),
            Self::InitrdNotLoaded { initrd } => {
                write!(
                    f,
                    "`{initrd}` is not loaded because the kernel command line does not name it"
                )
            }
            Self::UnknownInitrd { initrd } => {
                write!(f, "`initrd=` names `{initrd}`, but no image of that name is fetched")
            }
            Self::DuplicateImage { image } => write!(f, "another image has the name `{image}` too"),
            Self::UnknownImage { command, image } => {
                write!(f, "`{command}` starts a download because no image `{image}` was fetched")
            }
            Self::UnverifiedImage { image } => {
                write!(f, "`{image}` can be booted without being verified")
            }
            Self::UnsignedProgram { command, program } => {
                write!(f, "`{command}` starts `{program}`, which no key of the firmware signed")
            }
            Self::ArgumentsOfUki { program } => {
                write!(f, "under Secure Boot, the UKI `{program}` ignores these arguments")
            }
            Self::InitrdOfUki => {
                f.write_str("a UKI has its own initrds, and nobody signed those beside it")
            }
            Self::VerifyWithoutTrust => {
                f.write_str("without `imgtrust`, iPXE starts an image that `imgverify` has refused")
            }
            Self::ClosureWithoutSource => f.write_str(
                "the kernel command line has `netboot.index=`, but no `netboot.from=` to fetch from",
            ),
            Self::UnusableClosureSource { url } => {
                write!(f, "Netboot's stage 1 cannot fetch from `{url}`")
            }
            Self::MalformedClosureIndex { digest } => {
                write!(f, "`{digest}` is no SHA-256 digest of a closure's index")
            }
            Self::ClosureWithoutCard => f.write_str(
                "the kernel command line has `netboot.index=`, but no `BOOTIF=` with the network card",
            ),
            Self::UnhandledFailure { command } => {
                write!(f, "the script ends if `{command}` fails, and prints no message of its own")
            }
            Self::ExitToFirmwareMenu => f.write_str(
                "a successful `exit` ends in the menu of a UEFI firmware, not at the next boot device",
            ),
            Self::EndlessRetry => f.write_str("this loop runs forever without a pause"),
        }
    }
}
