//! UKIs of images.

mod check;
mod command_line;
mod os_release;
mod reading;
mod settings;

pub use self::check::check_image_uki;
pub use self::settings::UkiSettings;
