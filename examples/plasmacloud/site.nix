# What is yours: the SSH keys, the packages of the services, the hardware. Every image has it.
{ ... }:
{
  # imports = [ ./hardware/example.nix ];

  # Who may log in as root. There is no default, and without one nothing builds.
  # A program that uses Netboot gives the keys by `Overrides::authorized_key` instead.
  plasmacloud.provisioningKeys = [ ];

  # The services' packages are not in nixpkgs: they come from an overlay of PlasmaCloud's flake.
  # nixpkgs.overlays = [ inputs.plasmacloud-services.overlays.default ];
}
