# The services for which the machine is meant. The image contains their packages, so that they can
# be tried and installed without a network, but does not run them.
{
  config,
  lib,
  ...
}:
let
  cfg = config.plasmacloud.profile;
  packageOf = service: config.services.${service}.package;
  missing = builtins.filter (service: packageOf service == null) cfg.services;
in
{
  options.plasmacloud.profile = {
    name = lib.mkOption {
      type = lib.types.strMatching "[a-z0-9]+(-[a-z0-9]+)*";
      description = "The profile's name, as in Netboot.";
    };
    services = lib.mkOption {
      type = lib.types.listOf lib.types.str;
      default = [ ];
      description = "The services for which machines of this profile are meant.";
    };
  };

  config = {
    networking.hostName = lib.mkDefault "netboot-${cfg.name}";

    environment.systemPackages = builtins.filter (package: package != null) (
      map packageOf cfg.services
    );

    warnings = lib.optional (missing != [ ]) ''
      The image of ${cfg.name} lacks the packages of ${builtins.concatStringsSep ", " missing}:
      add the overlay of PlasmaCloud's flake to `nixpkgs.overlays` in site.nix.
    '';
  };
}
