//! The macros that implement the common traits of validated texts.

/// Implements the usual traits of a newtype around a validated `String`: parsing, display, and the
/// conversions of [`text_conversions`](crate::text_conversions). The newtype implements `Clone`.
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

        $crate::text_conversions!($name, $error);

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

/// Implements the conversions for serde and for functions that take a text or the value: from
/// `&str`, `&String` and `String`, and from a reference to the value.
///
/// The arguments are the type, which implements `FromStr` and `Clone`, and its error.
///
/// ```
/// use std::str::FromStr;
/// use netboot_core::text_conversions;
///
/// /// A number of units of height in a rack.
/// #[derive(Debug, Clone, Copy, PartialEq, Eq)]
/// struct Height(u8);
///
/// impl FromStr for Height {
///     type Err = std::num::ParseIntError;
///     fn from_str(text: &str) -> Result<Self, Self::Err> {
///         text.parse().map(Self)
///     }
/// }
///
/// text_conversions!(Height, std::num::ParseIntError);
///
/// fn height<H: TryInto<Height>>(height: H) -> Result<Height, H::Error> {
///     height.try_into()
/// }
///
/// let text = "42".to_owned();
/// assert_eq!(height("42")?, height(&text)?);
/// let Ok(same) = height(&Height(42));
/// assert_eq!(height(text)?, same);
/// # Ok::<(), std::num::ParseIntError>(())
/// ```
#[macro_export]
macro_rules! text_conversions {
    ($name:ident, $error:ty) => {
        impl TryFrom<&str> for $name {
            type Error = $error;
            fn try_from(text: &str) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl TryFrom<&String> for $name {
            type Error = $error;
            fn try_from(text: &String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl TryFrom<String> for $name {
            type Error = $error;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<&$name> for $name {
            fn from(value: &$name) -> Self {
                Clone::clone(value)
            }
        }
    };
}

pub(crate) use {text_conversions, validated_text};
