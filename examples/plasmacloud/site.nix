# Your settings for every image: the SSH keys, the packages of the services, the hardware.
{ ... }:
{
  # imports = [ ./hardware/example.nix ];

  # The keys for logins as root. There is no default key, and without a key nothing builds.
  # A program that uses Netboot can set the keys with `Overrides::authorized_key` instead.
  plasmacloud.provisioningKeys = [ ];

  # The packages of the services are not in nixpkgs. An overlay of PlasmaCloud's flake has them.
  # nixpkgs.overlays = [ inputs.plasmacloud-services.overlays.default ];
}
