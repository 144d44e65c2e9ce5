//! UKIs of images.

mod check;
mod command_line;
mod os_release;
mod reading;
mod sections;
mod settings;
mod source;

pub use self::check::check_image_uki;
pub use self::settings::UkiSettings;
