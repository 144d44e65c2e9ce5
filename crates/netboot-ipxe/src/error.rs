//! The error of everything in this crate that can fail.

mod hint;
mod value_kind;

use std::fmt;
use std::path::PathBuf;

use ipxe_script::lexical::LexicalProblem;
use netboot_core::{FileName, ProfileName, TextProblem};

pub use self::value_kind::ValueKind;
use crate::dhcp::problem::{DhcpProblem, DhcpSetting};
use crate::interchange::problem::InterchangeProblem;
use crate::menu::problem::MenuProblem;
use crate::script_check::ScriptProblem;
use crate::template::name::TemplateName;

/// What can go wrong while scripts are rendered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// iPXE would read a value as something other than what was typed.
    #[error("the {kind} {value:?} cannot stand in an iPXE script: {problem}")]
    Unprintable {
        /// What the value is.
        kind: ValueKind,
        /// The value, cut to its first 80 characters.
        value: String,
        /// What iPXE would do with it.
        problem: LexicalProblem,
    },

    /// A `kernel` command with more words than iPXE takes.
    #[error("the command line of profile `{profile}` has {words} words and iPXE takes {limit}")]
    TooManyArguments {
        /// The profile.
        profile: ProfileName,
        /// How many words there are.
        words: usize,
        /// How many there may be.
        limit: usize,
    },

    /// A kernel command line that the firmware would cut, `initrd=` included.
    #[error("the command line of profile `{profile}` has {length} bytes and {limit} are taken")]
    CommandLineTooLong {
        /// The profile.
        profile: ProfileName,
        /// Its length in bytes, with the kernel's name before it as UEFI has it.
        length: usize,
        /// How many bytes there may be.
        limit: usize,
    },

    /// A template's file that cannot be read.
    #[error("the template {} cannot be read", path.display())]
    TemplateFile {
        /// The file, or the directory that was to have some.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },

    /// A template that is not valid Tera.
    #[error("the template `{file}` cannot be read{}", at_line(*line))]
    MalformedTemplate {
        /// The name by which templates include it; empty where Tera does not tell.
        file: String,
        /// The line of the template, counted from 1, where Tera gives it as a number.
        line: Option<usize>,
        /// What Tera says of it, with the line's text.
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// A template that uses a variable which it is not given.
    #[error("the template `{file}` uses the unknown variable `{variable}` at its line {line}")]
    UnknownVariable {
        /// The template that cannot be rendered so.
        template: TemplateName,
        /// The template or part that uses it, by the name by which templates include it.
        file: String,
        /// Its line, counted from 1.
        line: usize,
        /// The variable.
        variable: String,
    },

    /// A template that could not be filled in: it uses a field that there is not, for example.
    #[error("the template `{file}` cannot be rendered{}", at_line(*line))]
    Template {
        /// The template.
        template: TemplateName,
        /// The template or part at fault, by the name by which templates include it.
        file: String,
        /// Its line, counted from 1, where Tera gives it as a number.
        line: Option<usize>,
        /// What Tera says of it, with the line's text.
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// A template made something that is no script.
    #[error("the template `{template}` makes no iPXE script: {problem}")]
    NotAScript {
        /// The template.
        template: TemplateName,
        /// What is wrong with its output.
        problem: ScriptProblem,
    },

    /// A setting of a DHCP server that cannot be used.
    #[error("the {setting} {value:?} cannot be used: {problem}")]
    InvalidDhcpSetting {
        /// What it is.
        setting: DhcpSetting,
        /// Its value, cut to its first 80 characters.
        value: String,
        /// What is wrong with it.
        problem: DhcpProblem,
    },

    /// A DHCP server that cannot leave the addresses to another one.
    #[error("{server} cannot serve what to boot while another DHCP server leases the addresses")]
    NoProxyDhcp {
        /// The server.
        server: &'static str,
    },

    /// A text by which machines are told apart that is none of its kind.
    #[error("the {kind} {value:?} cannot be used: {problem}")]
    InvalidMachineKey {
        /// What it is.
        kind: ValueKind,
        /// The text, cut to its first 80 characters.
        value: String,
        /// What is wrong with it.
        problem: TextProblem,
    },

    /// A selector that matches no machine, or every one.
    #[error("a selector cannot be used: {problem}")]
    InvalidSelector {
        /// What is wrong with it.
        problem: &'static str,
    },

    /// Two assignments of one name.
    #[error("two machines have the name `{name}`")]
    DuplicateMachine {
        /// The name.
        name: String,
    },

    /// An assignment that matches no machine.
    #[error("nothing tells by which key the machine `{name}` is known")]
    AssignmentWithoutKey {
        /// Its name.
        name: String,
    },

    /// Two selectors that may match one machine, of which neither is more specific.
    #[error(
        "a machine may be both `{name}` ({selector}) and `{other_name}` ({other_selector}), and \
         neither is more specific"
    )]
    AmbiguousSelectors {
        /// The name of one assignment.
        name: String,
        /// Its selector.
        selector: String,
        /// The name of the other assignment.
        other_name: String,
        /// Its selector.
        other_selector: String,
    },

    /// A profile that a menu, a machine or a family names and that is not in the release.
    #[error("{wanted_by} wants the profile `{profile}`, which is not among the images")]
    UnknownProfile {
        /// What wants it, such as `the machine node-1`.
        wanted_by: String,
        /// The profile.
        profile: ProfileName,
        /// The profiles and families that there are.
        known: Vec<ProfileName>,
    },

    /// A file that scripts are to verify, and that nobody signed.
    #[error("there is no signature of {file}")]
    MissingSignature {
        /// The file's name.
        file: FileName,
    },

    /// A certificate that iPXE accepts no signature of.
    #[cfg(feature = "signing")]
    #[error("the certificate {} is not for code signing", certificate.display())]
    NotForCodeSigning {
        /// The certificate's file.
        certificate: PathBuf,
    },

    /// A program that could not be run.
    #[cfg(feature = "signing")]
    #[error("{} cannot be run", program.display())]
    StartProgram {
        /// The program.
        program: PathBuf,
        /// Why.
        source: std::io::Error,
    },

    /// A program that failed.
    #[cfg(feature = "signing")]
    #[error("{} {} failed: {status}\n{stderr}", program.display(), arguments.join(" "))]
    Program {
        /// The program.
        program: PathBuf,
        /// Its arguments.
        arguments: Vec<String>,
        /// How it ended.
        status: std::process::ExitStatus,
        /// The last 20 lines of its errors.
        stderr: String,
    },

    /// Something that the renderer was asked for and that the scripts of the iPXE build cannot do.
    #[error("the iPXE build `{build}` lacks {capability}")]
    BuildLacks {
        /// The build's name.
        build: String,
        /// What it lacks, such as `the command imgverify`.
        capability: String,
    },

    /// A character that no key of a menu may be.
    #[error("{key:?} cannot be the key of a menu's item")]
    InvalidMenuKey {
        /// The character.
        key: char,
    },

    /// A menu that cannot be shown.
    #[error("the menu `{title}` cannot be shown: {problem}")]
    InvalidMenu {
        /// Its title.
        title: String,
        /// What is wrong with it.
        problem: MenuProblem,
    },

    /// A fleet that another network boot server cannot be told of.
    #[error("{server} cannot serve {subject}: {problem}")]
    NotInterchangeable {
        /// The server.
        server: &'static str,
        /// What it cannot serve, as a noun.
        subject: String,
        /// What is wrong.
        problem: InterchangeProblem,
    },

    /// A value that cannot be written as JSON.
    #[error("cannot write JSON")]
    Json {
        /// Why.
        source: serde_json::Error,
    },

    /// The images and scripts do not make an image or a release.
    #[error(transparent)]
    Core(#[from] netboot_core::Error),
}

fn at_line(line: Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!(" at its line {line}"))
}

impl From<netboot_core::InvalidValue> for Error {
    fn from(error: netboot_core::InvalidValue) -> Self {
        Self::Core(error.into())
    }
}

impl Error {
    pub(crate) fn unprintable(kind: ValueKind, value: &str, problem: LexicalProblem) -> Self {
        let value = value.chars().take(80).collect();
        Self::Unprintable { kind, value, problem }
    }

    pub(crate) fn dhcp_setting(
        setting: DhcpSetting,
        value: impl fmt::Display,
        problem: DhcpProblem,
    ) -> Self {
        let value = value.to_string().chars().take(80).collect();
        Self::InvalidDhcpSetting { setting, value, problem }
    }

    pub(crate) fn invalid_key(kind: ValueKind, value: &str, problem: TextProblem) -> Self {
        let value = value.chars().take(80).collect();
        Self::InvalidMachineKey { kind, value, problem }
    }
}
