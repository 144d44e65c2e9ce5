//! The error of a program: any error, with its hint and its class.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use foreign_text::ForeignText;

use crate::advice::Advice;
use crate::backend_error::BackendError;
use crate::error::Error;
use crate::error_class::ErrorClass;
use crate::invalid_value::InvalidValue;

/// Any error that a program can meet, with its hint and its class.
///
/// `?` turns each [`BackendError`] into a report: the errors of the Netboot crates and the errors
/// of the standard library. Unlike a `Box<dyn std::error::Error>`, a report keeps the hint.
/// [`Report::foreign`] takes the errors of other crates, and [`Report::message`] makes a failure of
/// the program itself.
///
/// ```
/// use netboot_core::{ProfileName, Report};
///
/// fn machines(profile: &str, number: &str) -> Result<(ProfileName, u32), Report> {
///     let (profile, number) = (ProfileName::new(profile)?, number.parse()?);
///     if number == 0 {
///         return Err(Report::message("there is no machine to boot", "give a number above 0"));
///     }
///     Ok((profile, number))
/// }
///
/// let report = machines("Worker", "3").unwrap_err();
/// assert!(report.hint().unwrap().starts_with("use 1 to 63 lower-case letters"));
/// assert!(report.in_full().contains("\n  what to do: use 1 to 63 lower-case letters"));
/// assert_eq!(machines("worker", "three").unwrap_err().hint(), None);
/// assert_eq!(machines("worker", "0").unwrap_err().hint(), Some("give a number above 0"));
/// ```
///
/// A report is a [`std::error::Error`], so `?` also turns it into the errors of other libraries,
/// such as `anyhow::Error` and `Box<dyn std::error::Error>`. They give the hint back through
/// `downcast_ref::<Report>()`, but they print no hint. The chapter "In a program" of the book shows
/// a `main` that does.
///
/// `Display` gives only the error. `Debug` gives the causes and the hint as well, because Rust
/// prints it for the error of a `fn main() -> Result<(), Report>`.
pub struct Report {
    error: Box<dyn StdError + Send + Sync>,
    advice: Advice,
}

impl Report {
    /// Reports an error with its hint, as `?` does. An error of another crate has no hint that the
    /// compiler could find, so it does not fit here:
    ///
    /// ```compile_fail,E0277
    /// # use netboot_core::Report;
    /// let error = toml::from_str::<toml::Table>("=").unwrap_err();
    /// let report = Report::new(error);
    /// ```
    pub fn new(error: impl BackendError) -> Self {
        error.into()
    }

    /// Reports an error of another crate, such as a boxed error.
    ///
    /// Its hint and its class are those of the first error in its chain of causes that this crate
    /// knows: an [`Error`], an [`InvalidValue`] or a report. [`with_hint_of`](Self::with_hint_of)
    /// looks for an error of another type. Use [`Report::new`] for an error that has a hint itself.
    ///
    /// ```
    /// use netboot_core::{ProfileName, Report};
    ///
    /// let refused = ProfileName::new("Worker").unwrap_err();
    /// let report = Report::foreign(std::io::Error::other(refused));
    /// assert!(report.hint().unwrap().starts_with("use 1 to 63 lower-case letters"));
    /// ```
    pub fn foreign(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::from(error.into())
    }

    /// Takes the hint and the class of the first `T` in the chain of causes, if the report has no
    /// hint.
    ///
    /// This crate does not know the errors of the crates above it. So name the error types of those
    /// that a library may have put into an error of its own.
    ///
    /// ```
    /// # use netboot_core::{InvalidValue, Report, ProfileName};
    /// # type PublishError = InvalidValue;
    /// # let from_a_library = std::io::Error::other(ProfileName::new("Worker").unwrap_err());
    /// let report = Report::foreign(from_a_library).with_hint_of::<PublishError>();
    /// # assert!(report.hint().is_some());
    /// ```
    #[must_use]
    pub fn with_hint_of<T: BackendError>(mut self) -> Self {
        if self.advice.hint.is_none()
            && let Some(error) = self.find::<T>()
        {
            self.advice = Advice::of(error);
        }
        self
    }

    /// Sets the class of a failure that the program itself detects.
    #[must_use]
    pub fn with_class(mut self, class: ErrorClass) -> Self {
        self.advice.class = class;
        self
    }

    /// Reports a failure that the program itself detects. `hint` is its remedy, as a sentence for
    /// an operator. Its class is [`ErrorClass::Failed`]; [`with_class`](Self::with_class) sets
    /// another one.
    pub fn message(text: impl Into<String>, hint: impl Into<String>) -> Self {
        let advice = Advice { hint: Some(hint.into()), class: ErrorClass::Failed };
        Self { error: text.into().into(), advice }
    }

    /// Returns a remedy, as a sentence for an operator.
    pub fn hint(&self) -> Option<&str> {
        self.advice.hint.as_deref()
    }

    /// Tells a program what to do about the error.
    pub fn class(&self) -> ErrorClass {
        self.advice.class
    }

    /// Returns the reported error, and its hint and class.
    pub fn into_parts(self) -> (Box<dyn StdError + Send + Sync>, Advice) {
        (self.error, self.advice)
    }

    /// Returns the error, its causes and its hint, each on its own line.
    ///
    /// Errors quote programs, servers and files, so each text is made safe to show as
    /// [`ForeignText`] does: it is bounded, has no control characters, and its further lines have a
    /// margin.
    ///
    /// ```text
    /// error: nix could not build profile `worker`
    ///   because: the program `nix` was not found in "/usr/bin:/bin"
    ///   what to do: install Nix …
    /// ```
    pub fn in_full(&self) -> String {
        format!("error: {self:?}")
    }

    /// Returns the reported error if it is a `T`.
    pub fn downcast_ref<T: StdError + 'static>(&self) -> Option<&T> {
        self.error.downcast_ref()
    }

    /// Returns the reported error if it is a `T`.
    ///
    /// # Errors
    /// The report as it is, if it reports another error.
    pub fn downcast<T: StdError + 'static>(self) -> Result<T, Self> {
        let Self { error, advice } = self;
        error.downcast().map(|error| *error).map_err(|error| Self { error, advice })
    }

    /// Returns the first `T` among the reported error and its causes. It looks into reports and
    /// into errors of input and output, which hide what they were made of.
    pub fn find<T: StdError + 'static>(&self) -> Option<&T> {
        find(&*self.error, &|error| error.downcast_ref())
    }
}

/// Shows the error only.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

/// Shows the error, its causes and its hint. The alternate form `{:#?}` shows the fields.
impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            let Self { error, advice } = self;
            return f.debug_struct("Report").field("error", error).field("advice", advice).finish();
        }
        write!(f, "{}", ForeignText::new(self.to_string()))?;
        for cause in chain(&*self.error).skip(1) {
            write!(f, "\n  because: {}", ForeignText::new(cause.to_string()))?;
        }
        match &self.advice.hint {
            Some(hint) => write!(f, "\n  what to do: {}", ForeignText::new(hint.clone())),
            None => Ok(()),
        }
    }
}

impl StdError for Report {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.error.source()
    }
}

/// Lets `?` keep the hint of an error.
impl<E: BackendError> From<E> for Report {
    fn from(error: E) -> Self {
        let mut advice = Advice::of(&error);
        if advice.hint.is_none() {
            advice.hint = find(&error, &known).and_then(|known| known.hint);
        }
        Self { error: Box::new(error), advice }
    }
}

/// Reports an error of another crate, as [`Report::foreign`] does.
impl From<Box<dyn StdError + Send + Sync>> for Report {
    fn from(error: Box<dyn StdError + Send + Sync>) -> Self {
        match error.downcast() {
            Ok(report) => *report,
            Err(error) => {
                let advice = find(&*error, &known)
                    .unwrap_or(Advice { hint: None, class: ErrorClass::Failed });
                Self { error, advice }
            }
        }
    }
}

/// Returns an error and its causes.
fn chain<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| (**error).source())
}

/// Returns what `look` finds first among an error, the errors that it hides, and its causes.
fn find<'a, T>(
    error: &'a (dyn StdError + 'static),
    look: &dyn Fn(&'a (dyn StdError + 'static)) -> Option<T>,
) -> Option<T> {
    chain(error).find_map(|error| look(error).or_else(|| find(hidden_in(error)?, look)))
}

/// Returns the error that an error was made of and does not give as its source.
fn hidden_in<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    match error.downcast_ref::<Report>() {
        Some(report) => Some(&*report.error),
        None => Some(error.downcast_ref::<io::Error>()?.get_ref()?),
    }
}

/// Returns the hint and the class of an error if this crate knows its type.
fn known(error: &(dyn StdError + 'static)) -> Option<Advice> {
    if let Some(error) = error.downcast_ref::<Error>() {
        Some(Advice::of(error))
    } else if let Some(error) = error.downcast_ref::<InvalidValue>() {
        Some(Advice::of(error))
    } else {
        Some(error.downcast_ref::<Report>()?.advice.clone())
    }
}
