# The base of every netboot image of PlasmaCloud: a system in memory from which an operator or
# nixos-anywhere installs the machine.
{
  lib,
  modulesPath,
  options,
  pkgs,
  ...
}:
{
  imports = [
    # The kernel and the RAM disk with the store, `config.system.build.netbootRamdisk`.
    "${modulesPath}/installer/netboot/netboot-minimal.nix"
    ./access.nix
    ./boot-report.nix
    ./closure.nix
    ./console.nix
    ./firmware.nix
    ./network.nix
    ./no-nixpkgs.nix
    ./one-lease.nix
    ./profile.nix
  ];

  config = lib.mkMerge [
    {
      environment.systemPackages = [
        pkgs.cryptsetup
        pkgs.curl
        pkgs.iproute2
        pkgs.lvm2
        pkgs.parted
        pkgs.tcpdump
      ]
      ++ lib.optional (pkgs ? disko) pkgs.disko;

      # Nothing in this system outlives a boot, so there is no state to be compatible with.
      system.stateVersion = lib.mkDefault lib.trivial.release;

      # zstd decompresses several times faster than the xz of older releases, and compresses faster.
      netboot.squashfsCompression = lib.mkDefault "zstd -Xcompression-level 19";

      # The manuals would be a large part of a small image.
      documentation = {
        enable = lib.mkForce false;
        doc.enable = lib.mkForce false;
        info.enable = lib.mkForce false;
        man.enable = lib.mkForce false;
        nixos.enable = lib.mkForce false;
      };
    }
    # The following options are set only if this version of nixpkgs has them.
    (lib.optionalAttrs (options.boot.initrd ? systemd) {
      boot.initrd.systemd.enable = lib.mkDefault true;
    })
    (lib.optionalAttrs (options.hardware ? enableAllHardware) {
      # The drivers of common disks and network cards, also in stage 1.
      hardware.enableAllHardware = lib.mkDefault true;
    })
  ];
}
