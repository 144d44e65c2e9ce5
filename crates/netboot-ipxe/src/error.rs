//! The error of this crate.

mod class;
mod construct;
mod hint;
mod value_kind;

use std::convert::Infallible;
use std::path::PathBuf;

use ipxe_script::lexical::LexicalProblem;
use netboot_core::{FileName, ProfileName, TextProblem};

pub use self::value_kind::ValueKind;
use crate::dhcp::problem::{DhcpProblem, DhcpSetting};
use crate::interchange::problem::InterchangeProblem;
use crate::menu::problem::MenuProblem;
use crate::script_check::ScriptProblem;
use crate::template::name::TemplateName;

/// The errors of this crate.
///
/// `Display` says what failed, and [`hint`](Self::hint) says what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// iPXE would not read a value as it was typed.
    #[error("the {kind} {value:?} cannot be used in an iPXE script: {problem}")]
    Unprintable {
        /// The kind of value.
        kind: ValueKind,
        /// The first 80 characters of the value.
        value: String,
        /// The way iPXE would treat the value.
        problem: LexicalProblem,
    },

    /// A `kernel` command would have more words than iPXE takes.
    #[error(
        "the command line of profile `{profile}` has {words} words, but iPXE takes at most {limit}"
    )]
    TooManyArguments {
        /// The profile.
        profile: ProfileName,
        /// The number of words.
        words: usize,
        /// The largest number of words that is possible.
        limit: usize,
    },

    /// The firmware would truncate a kernel command line, which includes `initrd=`.
    #[error(
        "the command line of profile `{profile}` has {length} bytes, but at most {limit} are possible"
    )]
    CommandLineTooLong {
        /// The profile.
        profile: ProfileName,
        /// Its length in bytes, including the kernel's name, which UEFI puts before it.
        length: usize,
        /// The largest length that is possible, in bytes.
        limit: usize,
    },

    /// The script of an image with a closure knows no place to fetch the closure from.
    #[error(
        "machines of profile `{profile}` do not know where to fetch the closure: scripts for the \
         iPXE build `{build}` cannot tell the URL of their own directory"
    )]
    NoClosureSource {
        /// The profile.
        profile: ProfileName,
        /// The name of the iPXE build.
        build: String,
    },

    /// The caller names no URL for the closure of an image that `kexec` starts.
    #[error(
        "machines of profile `{profile}` do not know where to fetch the closure: kexec runs no \
         script that tells the URL of its own directory"
    )]
    KexecWithoutSource {
        /// The profile.
        profile: ProfileName,
    },

    /// Machines cannot fetch the closure of an image from a URL.
    #[error("machines cannot fetch a closure from {url}")]
    UnusableClosureSource {
        /// The URL, without its password.
        url: String,
    },

    /// A kernel parameter of the caller would replace one that the renderer writes.
    #[error("the kernel parameter `{parameter}` belongs to the renderer")]
    ReservedParameter {
        /// The first 80 characters of the parameter.
        parameter: String,
    },

    /// Stage 1 would refuse a kernel parameter of the caller.
    #[error("a kernel parameter for an image with a closure is malformed")]
    BootParameter {
        /// The cause.
        source: netboot_closure::Error,
    },

    /// The file of a template cannot be read.
    #[error("the template {} cannot be read", path.display())]
    TemplateFile {
        /// The file, or the directory of the templates.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },

    /// A template is not valid Tera.
    #[error("the template `{file}` is malformed{}", at_line(*line))]
    MalformedTemplate {
        /// The name by which templates include it. It is empty if Tera does not tell it.
        file: String,
        /// The line of the template, counted from 1, if Tera tells it.
        line: Option<usize>,
        /// The error of Tera, with the text of the line.
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// A template uses a variable that it does not get.
    #[error("the template `{file}` uses the unknown variable `{variable}` in line {line}")]
    UnknownVariable {
        /// The template that cannot be rendered.
        template: TemplateName,
        /// The template or part that uses it, as templates name it.
        file: String,
        /// The line, counted from 1.
        line: usize,
        /// The variable.
        variable: String,
    },

    /// A template cannot be rendered. For example, it uses a field that does not exist.
    #[error("the template `{file}` cannot be rendered{}", at_line(*line))]
    Template {
        /// The template.
        template: TemplateName,
        /// The template or part with the mistake, as templates name it.
        file: String,
        /// The line, counted from 1, if Tera tells it.
        line: Option<usize>,
        /// The error of Tera, with the text of the line.
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// The output of a template is not a valid script.
    #[error("the template `{template}` does not make a valid iPXE script: {problem}")]
    NotAScript {
        /// The template.
        template: TemplateName,
        /// The problem with the output.
        problem: ScriptProblem,
    },

    /// A setting of a DHCP server cannot be used.
    #[error("the {setting} {value:?} cannot be used: {problem}")]
    InvalidDhcpSetting {
        /// The kind of setting.
        setting: DhcpSetting,
        /// The first 80 characters of its value.
        value: String,
        /// The problem with it.
        problem: DhcpProblem,
    },

    /// A DHCP server cannot run beside another one that leases the addresses.
    #[error("{server} cannot serve boot files while another DHCP server leases the addresses")]
    NoProxyDhcp {
        /// The server.
        server: &'static str,
    },

    /// A text is not a valid key of a machine.
    #[error("the {kind} {value:?} cannot be used: {problem}")]
    InvalidMachineKey {
        /// The kind of key.
        kind: ValueKind,
        /// The first 80 characters of the text.
        value: String,
        /// The problem with it.
        problem: TextProblem,
    },

    /// A value that vendors leave in place, so that many machines share it.
    #[error("the {kind} {value:?} identifies no machine: many machines have it")]
    SharedIdentity {
        /// The kind of key.
        kind: ValueKind,
        /// The first 80 characters of the value.
        value: String,
    },

    /// Two assignments have one UUID, in both orders of its octets.
    #[error("`{name}` and `{other_name}` have the UUID {uuid} in two orders of its octets")]
    SwappedUuid {
        /// The name of one assignment.
        name: String,
        /// The name of the other assignment.
        other_name: String,
        /// The UUID, in the order that the other assignment has.
        uuid: String,
    },

    /// A selector matches no machine, or every machine.
    #[error("the selector cannot be used: {problem}")]
    InvalidSelector {
        /// The problem with it.
        problem: &'static str,
    },

    /// Two assignments have the same name.
    #[error("two machines have the name `{name}`")]
    DuplicateMachine {
        /// The name.
        name: String,
    },

    /// An assignment has no key, so it matches no machine.
    #[error("the machine `{name}` has no key")]
    AssignmentWithoutKey {
        /// Its name.
        name: String,
    },

    /// Two selectors may match the same machine, and neither is more specific.
    #[error(
        "a machine may match both `{name}` ({selector}) and `{other_name}` ({other_selector}), \
         and neither is more specific"
    )]
    AmbiguousSelectors {
        /// The name of one assignment.
        name: String,
        /// The selector of that assignment.
        selector: String,
        /// The name of the other assignment.
        other_name: String,
        /// Its selector.
        other_selector: String,
    },

    /// A menu, a machine or a family names a profile that is not in the release.
    #[error("{wanted_by} needs the profile `{profile}`, which is not among the images")]
    UnknownProfile {
        /// The thing that names the profile, such as `the machine node-1`.
        wanted_by: String,
        /// The profile.
        profile: ProfileName,
        /// The profiles and families of the release.
        known: Vec<ProfileName>,
    },

    /// Scripts have to verify a file that has no signature.
    #[error("there is no signature for {file}")]
    MissingSignature {
        /// The file's name.
        file: FileName,
    },

    /// A script for Secure Boot would start an image that has no UKI.
    #[error("the image of profile `{profile}` has no UKI, which scripts for Secure Boot start")]
    NoUki {
        /// The profile.
        profile: ProfileName,
    },

    /// A machine with Secure Boot would take a parameter or an initrd from outside of its UKI.
    #[error(
        "machines with Secure Boot cannot get {addition}: a signed UKI takes nothing from outside"
    )]
    OutsideOfUki {
        /// The thing that they cannot get, as a noun phrase.
        addition: String,
    },

    /// iPXE accepts no signature that is made with a certificate.
    #[cfg(feature = "signing")]
    #[error("the certificate {} is not for code signing", certificate.display())]
    NotForCodeSigning {
        /// The certificate's file.
        certificate: PathBuf,
    },

    /// A program cannot be run.
    #[cfg(feature = "signing")]
    #[error("{} cannot be run", program.display())]
    StartProgram {
        /// The program.
        program: PathBuf,
        /// The cause.
        source: std::io::Error,
    },

    /// A program failed.
    #[cfg(feature = "signing")]
    #[error("{} {} failed: {status}: {last_lines}", program.display(), arguments.join(" "))]
    Program {
        /// The program.
        program: PathBuf,
        /// Its arguments.
        arguments: Vec<String>,
        /// Its exit status.
        status: std::process::ExitStatus,
        /// The last 20 lines of its standard error.
        last_lines: netboot_process::LastLines,
    },

    /// The renderer was asked for something that the iPXE build cannot do.
    #[error("the iPXE build `{build}` does not have {capability}")]
    BuildLacks {
        /// The name of the build.
        build: String,
        /// The missing capability, such as `the command imgverify`.
        capability: String,
    },

    /// A character cannot be a key of a menu.
    #[error("{key:?} cannot be the key of a menu item")]
    InvalidMenuKey {
        /// The character.
        key: char,
    },

    /// A menu cannot be shown.
    #[error("the menu `{title}` cannot be shown: {problem}")]
    InvalidMenu {
        /// Its title.
        title: String,
        /// The problem with it.
        problem: MenuProblem,
    },

    /// A fleet cannot be exported to another network boot server.
    #[error("{server} cannot serve {subject}: {problem}")]
    NotInterchangeable {
        /// The server.
        server: &'static str,
        /// The thing that it cannot serve, as a noun phrase.
        subject: String,
        /// The problem.
        problem: InterchangeProblem,
    },

    /// A value cannot be written as JSON.
    #[error("cannot write JSON")]
    Json {
        /// The cause.
        source: serde_json::Error,
    },

    /// An error of `netboot-core`, for example because the images do not make a release.
    #[error(transparent)]
    Core(#[from] netboot_core::Error),

    /// A build of iPXE that does not exist.
    #[error(transparent)]
    IpxeBuild(#[from] ipxe_script::Error),
}

fn at_line(line: Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!(" in line {line}"))
}

/// A value that is valid already. Functions that take a text or such a value need this conversion.
impl From<Infallible> for Error {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl From<netboot_core::InvalidValue> for Error {
    fn from(error: netboot_core::InvalidValue) -> Self {
        Self::Core(error.into())
    }
}
