//! What other network boot servers need to know so that their machines boot published images.
//!
//! [`matchbox`] has its profiles and groups, [`pixiecore`] the answers of the API that it asks.
//! Both are made of a release's manifest, which knows every image, and of a
//! [`Fleet`](crate::Fleet), and both name kernels and initrds by digest where a publisher put them:
//! nothing is copied. What such a server cannot do, a menu or a boot by asset tag, is an error and
//! never left out.

pub mod matchbox;
mod matchbox_order;
mod payload;
mod payload_base;
pub mod pixiecore;
pub(crate) mod problem;
mod server;

pub use self::payload_base::PayloadBase;
pub use self::problem::InterchangeProblem;
