//! The errors of the standard library that programs meet. They have no hints.

use super::BackendError;

/// Implements [`BackendError`] without a hint for each type.
macro_rules! without_hint {
    ($($error:ty),* $(,)?) => {$(
        impl BackendError for $error {
            fn hint(&self) -> Option<String> {
                None
            }
        }
    )*};
}

without_hint!(
    std::array::TryFromSliceError,
    std::char::CharTryFromError,
    std::char::ParseCharError,
    std::convert::Infallible,
    std::env::JoinPathsError,
    std::env::VarError,
    std::ffi::NulError,
    std::fmt::Error,
    std::io::Error,
    std::net::AddrParseError,
    std::num::ParseFloatError,
    std::num::ParseIntError,
    std::num::TryFromIntError,
    std::path::StripPrefixError,
    std::str::ParseBoolError,
    std::str::Utf8Error,
    std::string::FromUtf16Error,
    std::string::FromUtf8Error,
    std::sync::mpsc::RecvError,
    std::thread::AccessError,
    std::time::SystemTimeError,
    std::time::TryFromFloatSecsError,
);
