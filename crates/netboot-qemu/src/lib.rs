//! Boots published releases in QEMU and reports how far they came.
