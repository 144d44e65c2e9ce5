# The firmware of servers' network cards and storage adapters.
# `hardware.enableRedistributableFirmware` would add all of linux-firmware: several hundred
# megabytes, most of them for graphics, phones and wireless cards.
{ config, lib, pkgs, ... }:
let
  cfg = config.plasmacloud;
in
{
  options.plasmacloud.firmware = lib.mkOption {
    type = lib.types.listOf lib.types.str;
    default = [
      "bnx2"
      "bnx2x"
      "cxgb3"
      "cxgb4"
      "intel/ice"
      "liquidio"
      "mellanox"
      "netronome"
      "ql2*_fw.bin"
      "qed"
      "rtl_nic"
      "tigon"
    ];
    description = ''
      The files and directories of linux-firmware in the image, as shell patterns. A pattern
      without a match is ignored.
    '';
  };

  # The same priority that netboot-minimal.nix uses in some releases, above the hardware profile.
  config.hardware.enableRedistributableFirmware = lib.mkOverride 70 false;

  config.hardware.firmware = lib.mkIf (cfg.firmware != [ ]) [
    (pkgs.runCommand "server-firmware" { } ''
      mkdir -p $out/lib/firmware
      cd ${pkgs.linux-firmware}/lib/firmware
      # Links are followed, because their targets may not be copied.
      for found in ${toString cfg.firmware}; do
        if [ -e "$found" ]; then cp -rL --parents "$found" $out/lib/firmware; fi
      done
    '')
  ];
}
