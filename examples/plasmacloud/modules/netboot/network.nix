# The network of the installation phase: DHCP on every wired card, and NO FIREWALL.
#
# Boot these images on an isolated provisioning VLAN only. The systems that are installed from them
# have NixOS's firewall, which is on unless you turn it off, and each service's `openFirewall`.
{ config, lib, ... }:
let
  message = "The firewall is OFF for the installation phase: whatever listens here can be reached.";
in
{
  networking = {
    useDHCP = lib.mkDefault true;
    useNetworkd = lib.mkDefault true;
    # The installer's profiles bring these for laptops; a server's cards need neither.
    networkmanager.enable = lib.mkForce false;
    wireless.enable = lib.mkForce false;

    firewall.enable = lib.mkDefault false;
  };

  # A server has cards without a cable, for which nobody should wait.
  systemd.network.wait-online.anyInterface = lib.mkDefault true;

  warnings = lib.optional (
    !config.networking.firewall.enable
  ) "${message} Boot this image on an isolated provisioning VLAN only.";

  users.motd = lib.mkIf (!config.networking.firewall.enable) ''

    *** PlasmaCloud installation system. It is in memory and gone at the next boot. ***
    *** ${message} ***

  '';
}
