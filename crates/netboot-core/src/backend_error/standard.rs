//! The errors of the standard library that programs meet. They have no hints.

use super::BackendError;
use crate::error_class::ErrorClass;

/// Implements [`BackendError`] without a hint for each type.
macro_rules! without_hint {
    ($class:expr; $($error:ty),* $(,)?) => {$(
        impl BackendError for $error {
            fn hint(&self) -> Option<String> {
                None
            }

            fn class(&self) -> ErrorClass {
                $class
            }
        }
    )*};
}

impl BackendError for std::io::Error {
    fn hint(&self) -> Option<String> {
        None
    }

    fn class(&self) -> ErrorClass {
        ErrorClass::of_io(self)
    }
}

without_hint!(
    ErrorClass::Input;
    std::array::TryFromSliceError,
    std::char::CharTryFromError,
    std::char::ParseCharError,
    std::env::JoinPathsError,
    std::env::VarError,
    std::ffi::NulError,
    std::net::AddrParseError,
    std::num::ParseFloatError,
    std::num::ParseIntError,
    std::num::TryFromIntError,
    std::path::StripPrefixError,
    std::str::ParseBoolError,
    std::str::Utf8Error,
    std::string::FromUtf16Error,
    std::string::FromUtf8Error,
    std::time::SystemTimeError,
    std::time::TryFromFloatSecsError,
);

without_hint!(
    ErrorClass::Failed;
    std::convert::Infallible,
    std::fmt::Error,
    std::sync::mpsc::RecvError,
    std::thread::AccessError,
);
