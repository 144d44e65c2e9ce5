//! Builds netboot images of NixOS configurations with Nix.
