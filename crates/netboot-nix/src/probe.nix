# Applied to a flake's `nixosConfigurations`: everything that Netboot reads of the wanted
# configurations, in one evaluation. `wanted` has a set for each profile: the `name` of its
# configuration, `overrides` (null: none), and the `services` that a policy asks for (null: there is
# none). With `isolate`, a configuration that throws does not keep the others from being read; its
# message is lost then.
{
  wanted,
  isolate,
  overrideModules,
  readPolicy,
}:
configurations:
let
  # An attribute set with `outPath` would be printed as that path alone, so each gets new names.
  artifact =
    derivation:
    if derivation == null then
      null
    else
      {
        drv = derivation.drvPath;
        out = derivation.outPath;
        output = derivation.outputName or "out";
        system = derivation.system or null;
      };

  read =
    services: config:
    let
      build = config.system.build or { };
    in
    {
      kernel = artifact (build.kernel or null);
      initrd = artifact (build.netbootRamdisk or null);
      toplevel = artifact (build.toplevel or null);
      kernel_parameters = config.boot.kernelParams or null;
      kernel_file = config.system.boot.loader.kernelFile or null;
      policy = if services == null then null else readPolicy { inherit services; } config;
    };

  overridden =
    overrides: configuration:
    if overrides == null then
      configuration
    else
      configuration.extendModules { modules = overrideModules overrides; };

  probe =
    {
      name,
      overrides,
      services,
    }:
    if !(builtins.hasAttr name configurations) then
      { state = "missing"; }
    else
      let
        configuration = configurations.${name};
        # Every NixOS since 21.05 has it.
        values =
          if overrides != null && !(configuration ? extendModules) then
            { state = "fixed"; }
          else
            { state = "evaluated"; } // read services (overridden overrides configuration).config;
        tried = builtins.tryEval (builtins.deepSeq values values);
      in
      if !isolate then
        values
      else if tried.success then
        tried.value
      else
        { state = "failed"; };
in
{
  nix_version = builtins.nixVersion;
  store = builtins.storeDir;
  available = builtins.attrNames configurations;
  configurations = builtins.mapAttrs (_: probe) wanted;
}
