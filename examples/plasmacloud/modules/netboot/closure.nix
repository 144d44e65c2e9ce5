# The images of profiles with the payload `closure`. Netboot extends their configurations with its
# own module, whose options exist only then.
{
  config,
  lib,
  options,
  ...
}:
{
  options.plasmacloud.closureBoot.networkDrivers = lib.mkOption {
    type = lib.types.listOf lib.types.str;
    default = [ ];
    example = [ "r8152" ];
    description = ''
      The drivers of network cards that stage 1 needs, besides those of common servers. Only images
      with the payload `closure` use the network in stage 1.
    '';
  };

  config = lib.optionalAttrs (options ? netboot.closure) {
    netboot.closure.networkDrivers = config.plasmacloud.closureBoot.networkDrivers;
  };
}
