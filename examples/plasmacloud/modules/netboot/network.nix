# The network of the installation phase: DHCP on every wired card, and NO FIREWALL.
#
# Boot these images only on an isolated provisioning VLAN. Installed systems have NixOS's firewall,
# which is on by default, and the option `openFirewall` of each service.
{ config, lib, ... }:
let
  message = "The firewall is OFF for the installation phase: every open port can be reached.";
in
{
  networking = {
    useDHCP = lib.mkDefault true;
    useNetworkd = lib.mkDefault true;
    # The installer's profiles enable these for laptops. Servers need neither.
    networkmanager.enable = lib.mkForce false;
    wireless.enable = lib.mkForce false;

    firewall.enable = lib.mkDefault false;
  };

  # Do not wait for network cards without a cable.
  systemd.network.wait-online.anyInterface = lib.mkDefault true;

  warnings = lib.optional (
    !config.networking.firewall.enable
  ) "${message} Boot this image only on an isolated provisioning VLAN.";

  users.motd = lib.mkIf (!config.networking.firewall.enable) ''

    *** PlasmaCloud installation system. It is in memory and is lost at the next boot. ***
    *** ${message} ***

  '';
}
