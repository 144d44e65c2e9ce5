//! The tests of netboot-core.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test whose set-up fails has failed")]

mod api;
mod artifact;
mod beneath;
mod boot_files;
mod closure;
mod contract;
mod damaged_initrds;
mod errors;
mod event;
mod followed_hints;
mod hung_file_system;
mod image_size;
mod initrds;
mod joined_initrd;
mod kernels;
mod linux_table;
mod mac_address;
mod manifest;
mod names;
mod pointer_template;
mod prebuilt;
mod profile_file;
mod release;
mod sample;
mod secret_scan;
mod special_files;
mod uki;
mod unbootable_initrds;
