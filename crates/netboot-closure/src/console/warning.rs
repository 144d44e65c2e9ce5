//! The warnings of stage 1: the boot goes on.

use crate::boot_parameter::CacheLabel;
use crate::console::template::template;
use crate::console::text::ConsoleText;
use crate::store_path::StorePath;

/// A problem that does not stop the boot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Warning {
    /// `netboot.store=disk` asks for a disk cache, and no file system has its label.
    CacheMissing {
        /// The label.
        label: CacheLabel,
    },
    /// The disk cache cannot be used, or is of less use than it should be. The network takes over.
    CacheUnusable {
        /// The label of the cache's file system.
        label: CacheLabel,
        /// The reason.
        reason: ConsoleText,
    },
    /// A blob in the disk cache is damaged, so it is fetched again.
    CacheDamaged {
        /// The store path of the blob.
        path: StorePath,
    },
    /// A `netboot.from` is no place that stage 1 can fetch from, so it uses the others.
    SourceUnusable {
        /// The parameter.
        parameter: ConsoleText,
    },
    /// The store cannot have the form that was asked for, or fits in no form.
    FormOfStore {
        /// The reason, with what each form needs.
        reason: ConsoleText,
    },
    /// A report to the URL of `netboot.report` did not arrive.
    ReportNotDelivered {
        /// The reason.
        reason: ConsoleText,
    },
}

template!(enum Warning:
    CacheMissing: "no file system has the label " label ", so there is no disk cache";
    CacheUnusable: "trouble with the disk cache " label ": " reason "";
    CacheDamaged: "the disk cache has a damaged blob, which is fetched again: " path "";
    SourceUnusable: "this is no http:// URL of a target, so the others are used: " parameter "";
    FormOfStore: "about the form of the store: " reason "";
    ReportNotDelivered: "a report to netboot.report did not arrive: " reason "";
);
