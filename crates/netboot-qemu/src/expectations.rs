//! What the caller of a boot waits for, and what it does on the way.

/// The texts that a boot is watched for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expectations {
    /// Each has to be seen, in any order.
    pub(crate) markers: Vec<String>,
    /// Each ends the boot as failed.
    pub(crate) failures: Vec<String>,
    /// The caller's sign that `init` runs, instead of Linux's own.
    pub(crate) init_marker: Option<String>,
    /// Keys to press, each behind a text, in their order.
    pub(crate) presses: Vec<(String, String)>,
}
