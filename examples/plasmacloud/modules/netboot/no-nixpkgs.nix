# No copy of nixpkgs in the image: each would be a third of it. nixos-anywhere brings the installed
# system with it, and does not evaluate it on the machine.
{ lib, options, ... }:
{
  config =
    # The flake registry and NIX_PATH hold nixpkgs' source if the configuration comes from a flake.
    lib.optionalAttrs (options ? nixpkgs.flake.setFlakeRegistry) {
      nixpkgs.flake.setFlakeRegistry = lib.mkDefault false;
      nixpkgs.flake.setNixPath = lib.mkDefault false;
    }
    # The installer's channel is another copy.
    // lib.optionalAttrs (options ? system.installer.channel.enable) {
      system.installer.channel.enable = lib.mkDefault false;
    };
}
