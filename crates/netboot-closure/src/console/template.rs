//! Templates that print and parse: each one is a text with fields in it.

use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU32;

use crate::boot_parameter::{CacheLabel, CardAddress, HttpUrl};
use crate::store_path::StorePath;

/// A value in a template.
pub(super) trait Field: Sized {
    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;
    /// Reads what `print` writes.
    fn parse(text: &str) -> Option<Self>;
}

/// The rest of a text that is being parsed.
#[derive(Debug)]
pub(super) struct Scanner<'a>(pub(super) &'a str);

impl Scanner<'_> {
    pub(super) fn literal(&mut self, literal: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(literal)?;
        Some(())
    }

    /// Reads a field, and the literal after it. If the literal is empty, the field is the rest.
    pub(super) fn field<F: Field>(&mut self, after: &str) -> Option<F> {
        let end = if after.is_empty() { self.0.len() } else { find_unquoted(self.0, after)? };
        let (field, rest) = self.0.split_at_checked(end)?;
        self.0 = rest.get(after.len()..)?;
        F::parse(field)
    }

    pub(super) fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

/// Returns the first position of `wanted` that is not in quotation marks.
fn find_unquoted(text: &str, wanted: &str) -> Option<usize> {
    let mut is_quoted = false;
    text.char_indices().find_map(|(position, character)| {
        is_quoted ^= character == '"';
        (!is_quoted && text[position..].starts_with(wanted)).then_some(position)
    })
}

/// Implements [`Field`] with a template, which is a literal and then fields, each with the literal
/// after it. An enum has a template for each variant. Without `text`, it implements `Display` too.
macro_rules! template {
    (text struct $name:ident: $first:literal $($field:ident $after:literal)*) => {
        impl crate::console::template::Field for $name {
            fn print(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let Self { $($field),* } = self;
                f.write_str($first)?;
                $(crate::console::template::Field::print($field, f)?; f.write_str($after)?;)*
                Ok(())
            }

            fn parse(text: &str) -> Option<Self> {
                let mut scanner = crate::console::template::Scanner(text);
                scanner.literal($first)?;
                $(let $field = scanner.field($after)?;)*
                scanner.end()?;
                Some(Self { $($field),* })
            }
        }
    };
    (
        text enum $name:ident:
        $($variant:ident: $first:literal $($field:ident $after:literal)*;)*
    ) => {
        impl crate::console::template::Field for $name {
            fn print(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self {
                    $(Self::$variant { $($field),* } => {
                        f.write_str($first)?;
                        $(
                            crate::console::template::Field::print($field, f)?;
                            f.write_str($after)?;
                        )*
                    })*
                }
                Ok(())
            }

            fn parse(text: &str) -> Option<Self> {
                $(
                    let parse = || {
                        let mut scanner = crate::console::template::Scanner(text);
                        scanner.literal($first)?;
                        $(let $field = scanner.field($after)?;)*
                        scanner.end()?;
                        Some(Self::$variant { $($field),* })
                    };
                    if let Some(parsed) = parse() {
                        return Some(parsed);
                    }
                )*
                None
            }
        }
    };
    ($kind:ident $name:ident: $($template:tt)*) => {
        template!(text $kind $name: $($template)*);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                crate::console::template::Field::print(self, f)
            }
        }
    };
}
pub(super) use template;

/// Digits in groups of three, such as `1,234,567`.
impl Field for u64 {
    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.to_string();
        for (position, digit) in digits.char_indices() {
            let comma = position > 0 && (digits.len() - position).is_multiple_of(3);
            write!(f, "{}{digit}", if comma { "," } else { "" })?;
        }
        Ok(())
    }

    fn parse(text: &str) -> Option<Self> {
        let number = text.replace(',', "").parse().ok()?;
        Some(number).filter(|number| Printed(number).to_string() == text)
    }
}

impl Field for u32 {
    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        u64::from(*self).print(f)
    }

    fn parse(text: &str) -> Option<Self> {
        <u64 as Field>::parse(text)?.try_into().ok()
    }
}

/// A value that may not be known.
impl<F: Field> Field for Option<F> {
    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Some(field) => field.print(f),
            None => f.write_str(UNKNOWN),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        if text == UNKNOWN { Some(None) } else { F::parse(text).map(Some) }
    }
}

const UNKNOWN: &str = "unknown";

/// Implements [`Field`] for types whose `Display` and `FromStr` are exact.
macro_rules! fields_by_display {
    ($($name:ty),*) => {$(
        impl Field for $name {
            fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{self}")
            }

            fn parse(text: &str) -> Option<Self> {
                text.parse().ok()
            }
        }
    )*};
}

fields_by_display!(IpAddr, NonZeroU32, StorePath, HttpUrl, CardAddress, CacheLabel);

/// Shows what `print` writes.
pub(super) struct Printed<'a, F>(pub(super) &'a F);

impl<F: Field> fmt::Display for Printed<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.print(f)
    }
}
