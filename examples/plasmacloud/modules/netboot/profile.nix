# Which services the machine is for: their packages are in the image, so that they can be tried and
# installed without a network. They do not run in it.
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
      description = "The profile's name, as Netboot's profiles have it.";
    };
    services = lib.mkOption {
      type = lib.types.listOf lib.types.str;
      default = [ ];
      description = "The services that machines of this profile are for.";
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
