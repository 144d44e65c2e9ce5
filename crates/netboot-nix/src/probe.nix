# Applied to a flake's `nixosConfigurations`: everything that Netboot reads of the wanted
# configurations, in one evaluation. `names` is a list of their names. With `isolate`, a configuration
# that throws does not keep the others from being read; its message is lost then.
{ names, isolate }:
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
    configuration:
    let
      build = configuration.system.build or { };
    in
    {
      kernel = artifact (build.kernel or null);
      initrd = artifact (build.netbootRamdisk or null);
      toplevel = artifact (build.toplevel or null);
      kernel_parameters = configuration.boot.kernelParams or null;
      kernel_file = configuration.system.boot.loader.kernelFile or null;
    };

  probe =
    name:
    if !(builtins.hasAttr name configurations) then
      { state = "missing"; }
    else
      let
        values = read configurations.${name}.config;
        tried = builtins.tryEval (builtins.deepSeq values values);
      in
      if !isolate then
        { state = "evaluated"; } // values
      else if tried.success then { state = "evaluated"; } // tried.value else { state = "failed"; };
in
{
  nix_version = builtins.nixVersion;
  available = builtins.attrNames configurations;
  configurations = builtins.listToAttrs (
    map (name: {
      inherit name;
      value = probe name;
    }) names
  );
}
