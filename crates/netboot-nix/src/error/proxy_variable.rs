//! The variables with the address of a proxy.

use std::fmt;

/// A variable that programs read the address of a proxy from, as curl does (curl(1),
/// "ENVIRONMENT").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyVariable {
    /// `http_proxy`.
    HttpLower,
    /// `https_proxy`.
    HttpsLower,
    /// `HTTPS_PROXY`.
    HttpsUpper,
    /// `all_proxy`.
    AllLower,
    /// `ALL_PROXY`.
    AllUpper,
}

impl ProxyVariable {
    /// The name of the variable.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HttpLower => "http_proxy",
            Self::HttpsLower => "https_proxy",
            Self::HttpsUpper => "HTTPS_PROXY",
            Self::AllLower => "all_proxy",
            Self::AllUpper => "ALL_PROXY",
        }
    }
}

impl fmt::Display for ProxyVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
