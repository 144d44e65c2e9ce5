//! The kernel parameters of closure boot.
//!
//! The boot script of an image writes them, and stage 1 reads them from `/proc/cmdline`.
//!
//! ```
//! use netboot_closure::Sha256;
//! use netboot_closure::boot_parameter::{BootParameter, BootParameters, StoreChoice};
//!
//! let index = BootParameter::Index(Sha256::from_bytes([0xab; 32]));
//! let from = BootParameter::From("http://10.0.0.1/releases/../".parse()?);
//! let command_line = format!("init=/nix/store/x/init {index} {from} netboot.store=zram quiet");
//!
//! let parameters = BootParameters::from_command_line(&command_line)?;
//! assert_eq!(parameters.index, Some(Sha256::from_bytes([0xab; 32])));
//! assert_eq!(parameters.from[0].blob(&Sha256::from_bytes([1; 32])).path()[..9], *"/blobs/01");
//! assert_eq!(parameters.store, StoreChoice::Zram);
//! # Ok::<(), netboot_closure::Error>(())
//! ```

mod cache_label;
mod caller_parameters;
mod card_address;
mod command_line;
mod http_url;
mod parameter;
mod store_choice;

pub use self::cache_label::CacheLabel;
pub use self::caller_parameters::CallerParameters;
pub use self::card_address::CardAddress;
pub use self::command_line::BootParameters;
pub use self::http_url::HttpUrl;
pub use self::parameter::{BOOTIF, BootParameter, CACHE, CACHE_BUDGET, FROM, INDEX, REPORT, STORE};
pub use self::store_choice::StoreChoice;
