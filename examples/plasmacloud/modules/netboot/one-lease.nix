# One DHCP lease for each boot, instead of two or three. This module needs nothing else of this
# flake.
#
# iPXE asks the DHCP server under the MAC address of the card. By default, systemd-networkd asks under
# an identifier that it makes from the machine ID, and a machine without a disk gets a new machine ID
# at each boot. To the server these are different machines, so each boot takes another address, and
# keeps it until the lease ends. With this module, systemd-networkd asks under the MAC address too.
#
# The first file needs a systemd that knows the setting in networkd.conf. For older ones, also set
# `systemd.network.networks.<name>.dhcpV4Config.ClientIdentifier = "mac"` for each network of your
# own; the second file does so for the network that NixOS makes for `networking.useDHCP`. NixOS's
# other client, dhcpcd, asks under the MAC address by itself.
{
  environment.etc = {
    "systemd/networkd.conf.d/one-lease.conf".text = ''
      [DHCPv4]
      ClientIdentifier=mac
    '';
    "systemd/network/99-ethernet-default-dhcp.network.d/one-lease.conf".text = ''
      [DHCPv4]
      ClientIdentifier=mac
    '';
  };
}
