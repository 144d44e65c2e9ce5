//! Findings as sentences.

use std::fmt;

use crate::commands::arguments::counted;
use crate::lint::finding_kind::LintFindingKind;

impl fmt::Display for LintFindingKind {
    #[expect(clippy::too_many_lines, reason = "one sentence for each kind")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Magic { problem } => write!(f, "iPXE does not take this for a script: {problem}"),
            Self::CarriageReturn => f.write_str("a carriage return stands here"),
            Self::Nul => f.write_str("a NUL ends the line for iPXE"),
            Self::NotAscii { word } => write!(f, "`{word}` is not ASCII"),
            Self::ControlCharacter { byte } => {
                write!(f, "the control character {byte:#04x} stands here")
            }
            Self::OpenEnd => {
                f.write_str("the script ends within a line that is continued with `\\`")
            }
            Self::ContinuedComment { swallowed } => {
                write!(f, "the comment goes on in the next line, and `{swallowed}` is not executed")
            }
            Self::CommentHidesSeparator { comment } => {
                write!(f, "the separator in the comment `{comment}` separates nothing")
            }
            Self::CommentCutsArguments { comment } => {
                write!(f, "`{comment}` is a comment, and no argument")
            }
            Self::GluedSeparator { word } => {
                write!(f, "`{word}` is one word, and separates nothing")
            }
            Self::DanglingSeparator { separator } => {
                write!(f, "`{separator}` has no command on one side")
            }
            Self::ShellSyntax { word } => {
                write!(f, "iPXE is no shell: it takes `{word}` as it stands")
            }
            Self::SplitExpansion { words } => {
                write!(f, "`{words}` is split at its spaces, and not expanded")
            }
            Self::OpenExpansion { word } => write!(f, "nothing closes the `${{` in `{word}`"),
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
                write!(f, "`{command}` wants a number, and `{argument}` is none")
            }
            Self::ArgumentCount { command, arguments, minimum, maximum } => {
                write!(f, "`{command}` has {} and takes {minimum}", counted(*arguments))?;
                if minimum == maximum { Ok(()) } else { write!(f, " to {maximum}") }
            }
            Self::TooManyArguments { command, arguments, limit } => {
                write!(f, "`{command}` has {} and iPXE takes {limit}", counted(*arguments))
            }
            Self::TooManyWords { words, limit } => {
                write!(f, "the line has {words} words, and iPXE may crash beyond {limit}")
            }
            Self::CommandLineTooLong { length, limit } => {
                write!(f, "the command line has {length} bytes and {limit} are taken")
            }
            Self::MisplacedOption { command, option } => {
                write!(f, "`{option}` stands behind an argument of `{command}`, and is one too")
            }
            Self::MissingProtocol { scheme } => {
                write!(f, "this iPXE build cannot open URLs that begin with `{scheme}:`")
            }
            Self::ReencodedEscape { escape } => {
                write!(f, "iPXE builds of 2019 do not send `{escape}` as it is")
            }
            Self::ZeroSleep => f.write_str("`sleep 0` does not wait"),
            Self::ConstantCondition { command } => {
                write!(f, "`{command}` looks at no setting, and always says the same")
            }
            Self::UndefinedLabel { label } => write!(f, "no label `{label}` is there to jump to"),
            Self::DuplicateLabel { label, first } => {
                write!(f, "the label `{label}` is defined in line {first} already")
            }
            Self::DynamicLabel { label } => {
                write!(f, "the script ends if there is no label for `{label}`")
            }
            Self::ExpansionInLabel { label } => {
                write!(f, "iPXE expands nothing in the label `{label}`")
            }
            Self::Unreachable => f.write_str("nothing leads here"),
            Self::NeverSet { setting } => write!(f, "nothing sets `{setting}`"),
            Self::UnknownSettingType { setting, setting_type } => {
                write!(
                    f,
                    "this iPXE build has no type `{setting_type}` for the setting `{setting}`"
                )
            }
            Self::SelfReference { setting } => {
                write!(f, "the value of `{setting}` names itself: iPXE hangs when it prints it")
            }
            Self::NotANumber { setting } => {
                write!(f, "`inc` fails: `{setting}` was set as text, and not as a number")
            }
            Self::UnknownDefault { item } => {
                write!(f, "the default `{item}` is not among the menu's items")
            }
            Self::ChooseWithoutItems => f.write_str("the menu has no item to choose"),
            Self::ItemWithoutMenu { command } => write!(f, "`{command}` fails: there is no menu"),
            Self::NothingSelected { command } => {
                write!(f, "`{command}` does nothing and succeeds where no image is selected")
            }
            Self::StrayImages { command } => {
                write!(f, "`{command}` adds to images that may be there already")
            }
            Self::UnnamedInitrd => f.write_str("the initrd's URL does not tell its name"),
            Self::InitrdNotLoaded { initrd } => {
                write!(f, "the kernel's command line does not name `{initrd}`, which is not loaded")
            }
            Self::UnknownInitrd { initrd } => write!(f, "no image `{initrd}` is fetched"),
            Self::DuplicateImage { image } => write!(f, "another image is named `{image}` as well"),
            Self::UnknownImage { command, image } => {
                write!(f, "`{command}` begins a download: no image `{image}` is fetched")
            }
            Self::UnverifiedImage { image } => {
                write!(f, "`{image}` may be booted without having been verified")
            }
            Self::VerifyWithoutTrust => {
                f.write_str("`imgverify` only asks: without `imgtrust`, iPXE executes any image")
            }
            Self::UnhandledFailure { command } => {
                write!(f, "the script ends without a word when `{command}` fails")
            }
            Self::EndlessRetry => f.write_str("this goes on for ever, without a pause"),
        }
    }
}
