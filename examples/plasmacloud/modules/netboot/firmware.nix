# Firmware of servers' network cards and storage adapters. All of linux-firmware, as
# `hardware.enableRedistributableFirmware` brings it, is several hundred megabytes of which most is
# for graphics, phones and wireless cards.
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
      The files and directories of linux-firmware that the image has, as patterns of the shell. One
      that linux-firmware does not have is left out.
    '';
  };

  # As strong as netboot-minimal.nix does it in the releases that do: over the hardware profile.
  config.hardware.enableRedistributableFirmware = lib.mkOverride 70 false;

  config.hardware.firmware = lib.mkIf (cfg.firmware != [ ]) [
    (pkgs.runCommand "server-firmware" { } ''
      mkdir -p $out/lib/firmware
      cd ${pkgs.linux-firmware}/lib/firmware
      # A link would lead to what is not here, so its target is copied.
      for found in ${toString cfg.firmware}; do
        if [ -e "$found" ]; then cp -rL --parents "$found" $out/lib/firmware; fi
      done
    '')
  ];
}
