//! Examples of the use of Netboot.
