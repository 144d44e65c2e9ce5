//! Exports fleets to other network boot servers, so that they boot published images.
//!
//! [`matchbox`] gets profiles and groups, and [`pixiecore`] gets the answers of the API that it
//! asks. Both are made from the manifest of a release, which lists every image, and from a
//! [`Fleet`](crate::Fleet). They name the kernels and initrds that a publisher has published, so
//! nothing is copied. If a server cannot do something, such as a menu or a boot by asset tag, the
//! export fails; it never leaves anything out.

pub mod matchbox;
mod matchbox_order;
mod payload;
mod payload_base;
pub mod pixiecore;
pub(crate) mod problem;
mod server;

pub use self::payload_base::PayloadBase;
pub use self::problem::InterchangeProblem;
