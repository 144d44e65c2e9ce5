# The machines that configurations are for: their programs, and how their kernel is booted.
let
  packages = import ./packages.nix;
in
{
  x86_64 = {
    system = "x86_64-linux";
    inherit (packages) tools;
    kernel = ./vmlinuz;
    kernelFile = "bzImage";
    console = "ttyS0,115200";
    modules = ./modules;
  };

  # This computer cannot run the programs, so they only come with the flake.
  aarch64 = {
    system = "aarch64-linux";
    tools = packages.toolsOf ./aarch64/busybox;
    kernel = ./aarch64/vmlinuz;
    kernelFile = "Image";
    console = "ttyAMA0,115200";
    modules = ./aarch64/modules;
  };
}
