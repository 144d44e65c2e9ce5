//! The hint for each error.

use std::io::ErrorKind;

use netboot_core::ProfileName;

use crate::error::{Error, ValueKind};
use crate::template::name::TemplateName;

impl Error {
    /// Tells an operator what to do about the error, in one sentence.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unprintable { kind: ValueKind::MenuText, .. } => {
                "use printable ASCII with single spaces between words, without a word that starts \
                 with `#` or is `&&`, `||` or `;`, without `${`, without `-` at the start and \
                 without `\\` at the end"
                    .to_owned()
            }
            Self::Unprintable { kind: ValueKind::KernelParameter, .. } => {
                "write the parameter without `${`, without a word that starts with `#` or is `&&`, \
                 `||` or `;`, without two spaces in a row and without `\\` at the end: iPXE has no \
                 quoting"
                    .to_owned()
            }
            Self::Unprintable { kind: ValueKind::Url, .. } => {
                "write that part of the URL, which may be a file's name, the query or a password, \
                 with ASCII letters, digits, `.`, `_` and `-` only: iPXE changes other characters \
                 before it sends the request"
                    .to_owned()
            }
            Self::TooManyArguments { .. } | Self::CommandLineTooLong { .. } => {
                "remove kernel parameters".to_owned()
            }
            Self::UnknownProfile { known, profile, .. } => {
                let known: Vec<&str> = known.iter().map(ProfileName::as_str).collect();
                let choice = match known.as_slice() {
                    [] => String::new(),
                    known => format!("choose one of: {}; or ", known.join(", ")),
                };
                format!("{choice}add an image of the profile `{profile}`")
            }
            Self::NoClosureSource { .. } => {
                "give the plain `http://` URL that serves the target, with \
                 `RendererBuilder::closure_source`, or set `ipxe_build` to a build that knows \
                 `cwduri` if every machine boots with iPXE 1.21 or later"
                    .to_owned()
            }
            Self::KexecWithoutSource { .. } => {
                "give `KexecTree::new` the plain `http://` URL that serves the target, or name one \
                 with the kernel parameter `netboot.from=` in the configuration of the image"
                    .to_owned()
            }
            Self::UnusableClosureSource { .. } => {
                "give `RendererBuilder::closure_source` an `http://` URL without a password and \
                 without a query: stage 1 checks every byte by its digest, so the connection needs \
                 no encryption"
                    .to_owned()
            }
            Self::ReservedParameter { .. } => {
                "remove the parameter from `boot.kernelParams`, the profile, the renderer and the \
                 machine: the renderer writes the digest of the image's own index"
                    .to_owned()
            }
            Self::BootParameter { source } => return source.hint(),
            Self::TemplateFile { source, .. } => match source.kind() {
                ErrorKind::InvalidData => "save the template as UTF-8".to_owned(),
                _ => "give a directory of templates: files named `<name>.ipxe` that this user may read"
                    .to_owned(),
            },
            Self::MalformedTemplate { .. } => {
                "correct the template in the place that the cause names; the syntax is that of Tera"
                    .to_owned()
            }
            Self::UnknownVariable { template, .. } => format!(
                "the template may use: {}; `RendererBuilder::variable` adds others",
                variables(*template)
            ),
            Self::Template { template, .. } => format!(
                "correct the template in the place that the cause names; it may use: {}; the \
                 documentation of `TemplateName` lists their fields",
                variables(*template)
            ),
            Self::NotAScript { problem, .. } => problem.hint(),
            Self::InvalidDhcpSetting { setting, problem, .. } => problem.hint(*setting).to_owned(),
            Self::NotInterchangeable { problem, .. } => problem.hint().to_owned(),
            Self::Json { .. } => return None,
            Self::NoProxyDhcp { .. } => {
                "use dnsmasq beside the other server, or let this server lease a range, or include \
                 the boot options in the configuration of the other server"
                    .to_owned()
            }
            Self::InvalidMachineKey { kind: ValueKind::SerialNumber, .. } => firmware_hint("serial"),
            Self::InvalidMachineKey { kind: ValueKind::AssetTag, .. } => firmware_hint("asset"),
            Self::Core(error) => return error.hint(),
            Self::IpxeBuild(error) => return error.hint(),
            other => return other.fleet_hint().map(str::to_owned),
        })
    }
}

impl Error {
    /// The hint for an error of a fleet, a menu, an iPXE build or a signature.
    fn fleet_hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::InvalidMachineKey { kind: ValueKind::MachineName, .. } => {
                "use 1 to 63 lower-case letters, digits, `.`, `_` and `-`, with a letter or digit \
                 at both ends"
            }
            Self::InvalidMachineKey { kind: ValueKind::SettingName, .. } => {
                "give the name of the setting in iPXE, such as `manufacturer` or `net0/next-server`"
            }
            Self::InvalidMachineKey { kind: ValueKind::SettingValue, .. } => {
                "give the value that iPXE shows on the machine (`echo ${manufacturer}`): 1 to 128 \
                 printable ASCII characters without `${`"
            }
            Self::InvalidMachineKey { kind: ValueKind::Uuid, .. } => {
                "give the value that iPXE shows on the machine (`echo ${uuid}`): 32 hexadecimal \
                 digits in groups of 8, 4, 4, 4 and 12"
            }
            Self::SharedIdentity { kind: ValueKind::MacAddress, .. } => {
                "identify the machine by its UUID or serial number, or give the network card an \
                 address of its own, with a program of the vendor"
            }
            Self::SharedIdentity { .. } => {
                "identify the machine by the address of its network card, or set a value of its own \
                 in the firmware, with a program of the vendor or the BMC"
            }
            Self::SwappedUuid { .. } => {
                "give one machine both keys, or keep only the form that iPXE shows on it \
                 (`echo ${uuid}`)"
            }
            Self::InvalidSelector { .. } => {
                "give a selector one key, or several of different kinds; if any one of several keys \
                 is enough, give the assignment several selectors"
            }
            Self::DuplicateMachine { .. } => {
                "give each machine its own name; a machine with several network cards is one \
                 assignment with several keys"
            }
            Self::AssignmentWithoutKey { .. } => "add a key, such as the machine's MAC address",
            Self::AmbiguousSelectors { .. } => {
                "add a key to the selector that should win, or put both in one assignment"
            }
            #[cfg(feature = "signing")]
            Self::NotForCodeSigning { .. } => {
                "use a certificate with `extendedKeyUsage=codeSigning` and \
                 `keyUsage=digitalSignature`: iPXE refuses others"
            }
            #[cfg(feature = "signing")]
            Self::StartProgram { .. } => "install the program (on Debian, the package `openssl`)",
            #[cfg(feature = "signing")]
            Self::Program { .. } => {
                "read the messages of the program above, and check the paths of the key and the \
                 certificates, the passphrase, and that the key belongs to the certificate"
            }
            Self::BuildLacks { .. } => {
                "choose an iPXE build that has it, if all machines boot with such a build, or do \
                 without it"
            }
            Self::MissingSignature { .. } => {
                "sign the files of every image and the overlays of machines"
            }
            Self::NoUki { .. } => {
                "give the image a signed UKI with `Image::with_uki`, or render scripts without \
                 `RendererBuilder::secure_boot`"
            }
            Self::OutsideOfUki { .. } => {
                "remove it, and build a profile with a UKI that has it for these machines"
            }
            Self::InvalidMenuKey { .. } => "use a digit or a lower-case letter",
            Self::InvalidMenu { problem, .. } => problem.hint(),
            _ => return None,
        })
    }
}

/// The variables that a template may use.
fn variables(template: TemplateName) -> String {
    let all = template.variables().iter().chain(&TemplateName::COMMON_VARIABLES).copied();
    all.collect::<Vec<_>>().join(", ")
}

/// The hint for a text that the firmware of a machine should have, which iPXE shows as `setting`.
fn firmware_hint(setting: &str) -> String {
    format!(
        "give the value that iPXE shows on the machine (`echo ${{{setting}}}`): 1 to 60 printable \
         ASCII characters; if it shows others, identify the machine by the address of its network \
         card"
    )
}

impl netboot_core::BackendError for Error {
    fn hint(&self) -> Option<String> {
        Self::hint(self)
    }

    fn class(&self) -> netboot_core::ErrorClass {
        Self::class(self)
    }
}
