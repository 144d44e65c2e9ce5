//! Renders iPXE scripts for netboot images.
