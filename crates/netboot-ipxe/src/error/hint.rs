//! What to do about each error.

use netboot_core::ProfileName;

use crate::error::{Error, ValueKind};
use crate::template::name::TemplateName;

impl Error {
    /// What to do about it, as a sentence for an operator.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unprintable { kind: ValueKind::MenuText, .. } => {
                "use printable ASCII with single spaces between words; no word may begin with \
                 `#`, be `&&`, `||` or `;`, and the text may not hold `${`, begin with `-` or end \
                 with `\\`"
                    .to_owned()
            }
            Self::Unprintable { kind: ValueKind::KernelParameter, .. } => {
                "iPXE cannot quote: write the parameter without `${`, without a word that begins \
                 with `#` or is `&&`, `||` or `;`, without two spaces in a row and without a \
                 `\\` at its end"
                    .to_owned()
            }
            Self::Unprintable { kind: ValueKind::Url, .. } => {
                "serve the file under a name of ASCII letters, digits, `.`, `_` and `-`: iPXE \
                 decodes and encodes a URL again before it asks for it"
                    .to_owned()
            }
            Self::TooManyArguments { .. } | Self::CommandLineTooLong { .. } => {
                "drop kernel parameters".to_owned()
            }
            Self::UnknownProfile { known, .. } => {
                let known: Vec<&str> = known.iter().map(ProfileName::as_str).collect();
                format!("choose one of: {}", known.join(", "))
            }
            Self::TemplateFile { .. } => {
                "name a directory with templates called `<name>.ipxe`".to_owned()
            }
            Self::MalformedTemplate { .. } => {
                "correct the template at the line that the cause names; the syntax is Tera's"
                    .to_owned()
            }
            Self::UnknownVariable { template, .. } | Self::Template { template, .. } => {
                let variables = template.variables().iter();
                let all = variables.chain(&TemplateName::COMMON_VARIABLES).copied();
                let all: Vec<&str> = all.collect();
                format!("the template may use: {}", all.join(", "))
            }
            Self::NotAScript { problem, .. } => problem.hint(),
            Self::InvalidDhcpSetting { setting, problem, .. } => problem.hint(*setting).to_owned(),
            Self::NotInterchangeable { problem, .. } => problem.hint().to_owned(),
            Self::Json { .. } => return None,
            Self::NoProxyDhcp { .. } => {
                "use dnsmasq beside the other server, or let this one lease a range, or include \
                 the boot options into the other's configuration"
                    .to_owned()
            }
            Self::Core(error) => return error.hint(),
            other => return other.fleet_hint().map(str::to_owned),
        })
    }
}

impl Error {
    /// What to do about an error of a fleet, a menu, an iPXE build or a signature.
    fn fleet_hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::InvalidMachineKey { kind: ValueKind::MachineName, .. } => {
                "give 1 to 63 lower-case letters, digits, `.`, `_` and `-`, with a letter or a \
                 digit at either end"
            }
            Self::InvalidMachineKey { kind: ValueKind::SettingName, .. } => {
                "give the name that iPXE has for it, such as `manufacturer` or `net0/next-server`"
            }
            Self::InvalidMachineKey { kind: ValueKind::SettingValue, .. } => {
                "give it as iPXE shows it on the machine itself (`echo ${manufacturer}`): 1 to 128 \
                 printable ASCII characters without `${`"
            }
            Self::InvalidMachineKey { kind: ValueKind::Uuid, .. } => {
                "give it as iPXE shows it on the machine itself (`echo ${uuid}`); zeros and ones \
                 are what a board without a UUID has"
            }
            Self::Unprintable { .. } | Self::InvalidMachineKey { .. } => {
                "give it as iPXE shows it on the machine itself (`echo ${serial}`): printable \
                 ASCII, and no placeholder that other boards have too"
            }
            Self::InvalidSelector { .. } => {
                "give a selector one key or several of different kinds, and an assignment several \
                 selectors where any one is to match"
            }
            Self::DuplicateMachine { .. } => {
                "give each machine a name of its own; one that has several network cards is one \
                 assignment with several keys"
            }
            Self::AssignmentWithoutKey { .. } => "add a key, such as the machine's MAC address",
            Self::AmbiguousSelectors { .. } => {
                "add a key to the one that is to win, or give both the same assignment"
            }
            #[cfg(feature = "signing")]
            Self::NotForCodeSigning { .. } => {
                "let the certificate have `extendedKeyUsage=codeSigning` and \
                 `keyUsage=digitalSignature`: iPXE refuses others"
            }
            #[cfg(feature = "signing")]
            Self::StartProgram { .. } => "install it (Debian: the package `openssl`)",
            #[cfg(feature = "signing")]
            Self::Program { .. } => {
                "see what the program says; the key must belong to the certificate"
            }
            Self::BuildLacks { .. } => {
                "render for a build that has it, if all machines boot by such an iPXE, or do \
                 without"
            }
            Self::MissingSignature { .. } => {
                "sign the payload of every image, and the overlays of machines"
            }
            Self::InvalidMenuKey { .. } => "use a digit or a lower-case letter",
            Self::InvalidMenu { problem, .. } => problem.hint(),
            _ => return None,
        })
    }
}

impl netboot_core::BackendError for Error {
    fn hint(&self) -> Option<String> {
        Self::hint(self)
    }
}
