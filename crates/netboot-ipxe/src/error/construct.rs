//! Errors that quote the beginning of a value.

use std::fmt;

use ipxe_script::lexical::LexicalProblem;
use netboot_core::TextProblem;

use crate::dhcp::problem::{DhcpProblem, DhcpSetting};
use crate::error::{Error, ValueKind};

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

    pub(crate) fn shared_identity(kind: ValueKind, value: &str) -> Self {
        Self::SharedIdentity { kind, value: value.chars().take(80).collect() }
    }

    pub(crate) fn invalid_key(kind: ValueKind, value: &str, problem: TextProblem) -> Self {
        let value = value.chars().take(80).collect();
        Self::InvalidMachineKey { kind, value, problem }
    }
}
