//! The macro that implements the common traits of validated texts.

/// Implements the usual traits of a newtype around a validated `String`: parsing, display, and the
/// conversions from `&str` and `String`, for serde and for functions that take a text or the value.
///
/// The arguments are the newtype, the type of its error, and the rule: a function from `&str` to
/// `Result<(), error>`.
///
/// ```
/// use netboot_core::validated_text;
///
/// #[derive(Debug, thiserror::Error)]
/// #[error("`{0}` is not a rack: expected `rack-` and a number")]
/// struct NotARack(String);
///
/// /// The name of a rack, such as `rack-7`.
/// #[derive(Debug, Clone, PartialEq, Eq)]
/// struct Rack(String);
///
/// validated_text!(Rack, NotARack, |text: &str| {
///     match text.strip_prefix("rack-").map(str::parse::<u16>) {
///         Some(Ok(_)) => Ok(()),
///         _ => Err(NotARack(text.to_owned())),
///     }
/// });
///
/// assert_eq!(Rack::new("rack-7")?.as_str(), "rack-7");
/// assert!("shelf-7".parse::<Rack>().is_err());
/// # Ok::<(), NotARack>(())
/// ```
#[macro_export]
macro_rules! validated_text {
    ($name:ident, $error:ty, $validate:expr) => {
        impl $name {
            /// Validates `text`.
            ///
            /// # Errors
            #[doc = concat!("[`", stringify!($error), "`], which says what is wrong with the text.")]
            pub fn new(text: impl Into<String>) -> Result<Self, $error> {
                let text = text.into();
                $validate(text.as_str())?;
                Ok(Self(text))
            }

            /// The validated text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::new(text)
            }
        }

        impl TryFrom<&str> for $name {
            type Error = $error;
            fn try_from(text: &str) -> Result<Self, Self::Error> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = $error;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

pub(crate) use validated_text;
