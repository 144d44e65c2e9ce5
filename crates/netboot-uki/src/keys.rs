//! The keys of Secure Boot, in the forms that firmware takes them.

pub(crate) mod authenticated;
pub(crate) mod efi_time;
pub(crate) mod signature_list;
pub(crate) mod test_keys;
pub(crate) mod variable;
