# Applied to a flake's `nixosConfigurations`. Reads everything that Netboot needs from the wanted
# configurations, in one evaluation. `wanted` has a set for each profile: the `name` of its
# configuration, `overrides` (null: no overrides), `closure` (null: the initrd holds the system),
# the `services` that a policy checks (null: no policy), and whether `licences` and the package `systemd`
# are wanted. With `isolate`, a configuration that throws does not affect the others, but its message is lost. The text `mark` and the name of a
# profile are printed before the profile's configuration is evaluated: Nix prints the values of a set
# in the order of its names, and evaluates each value wholly when it prints it.
{
  wanted,
  mark,
  isolate,
  overrideModules,
  closureModules,
  readPolicy,
}:
configurations:
let
  # Nix prints an attribute set with `outPath` as that path alone, so use other names.
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

  # An element of `netboot.storeContents` as a string, and the store paths that the string needs.
  content =
    element:
    let
      text = "${element}";
    in
    {
      text = builtins.unsafeDiscardStringContext text;
      context = builtins.mapAttrs (_: needed: needed.outputs or [ ]) (builtins.getContext text);
    };

  # The system that a configuration is for, if it says so. The `system` of a derivation is the one
  # that builds it: a cross build has another.
  hostPlatform =
    configuration:
    let
      platform =
        configuration.pkgs.stdenv.hostPlatform or (configuration.config.nixpkgs.hostPlatform or null);
      system = if builtins.isAttrs platform then platform.system or null else platform;
    in
    if builtins.isString system then system else null;

  # The licences of the packages that a configuration names, by the paths of their outputs.
  licencesOf =
    config:
    let
      packages = (config.environment.systemPackages or [ ]) ++ [ (config.system.build.kernel or null) ];
      toList = value: if builtins.isList value then value else [ value ];
      text =
        licence:
        if builtins.isString licence then
          licence
        else
          licence.spdxId or (licence.shortName or (licence.fullName or null));
      ofPackage =
        package:
        let
          licences = builtins.filter builtins.isString (map text (toList (package.meta.license or [ ])));
          outputs = toList (package.outputs or "out");
          paths = builtins.filter builtins.isString (map (output: package.${output}.outPath or null) outputs);
          found = map (path: {
            name = builtins.unsafeDiscardStringContext path;
            value = licences;
          }) paths;
          tried = builtins.tryEval (builtins.deepSeq found found);
        in
        if builtins.isAttrs package && tried.success then tried.value else [ ];
    in
    builtins.listToAttrs (builtins.concatLists (map ofPackage packages));

  read =
    request: configuration:
    let
      inherit (configuration) config;
      build = config.system.build or { };
      contents = config.netboot.storeContents or null;
    in
    {
      kernel = artifact (build.kernel or null);
      initrd = artifact (build.netbootRamdisk or null);
      toplevel = artifact (build.toplevel or null);
      systemd = if request.systemd then artifact (config.systemd.package or null) else null;
      store_contents = if builtins.isList contents then map content contents else null;
      kernel_parameters = config.boot.kernelParams or null;
      kernel_file = config.system.boot.loader.kernelFile or null;
      host_platform = hostPlatform configuration;
      policy =
        if request.services == null then
          null
        else
          readPolicy { inherit (request) services; } config;
      licences = if request.licences then licencesOf config else null;
    };

  # The modules that extend a configuration.
  modulesOf =
    { overrides, closure, ... }:
    (if overrides == null then [ ] else overrideModules (overrides // { inherit mark; }))
    ++ (if closure == null then [ ] else closureModules closure);

  probe =
    { name, ... }@request:
    if !(builtins.hasAttr name configurations) then
      { state = "missing"; }
    else
      let
        configuration = configurations.${name};
        modules = modulesOf request;
        extended =
          if modules == [ ] then
            configuration
          else
            configuration.extendModules { inherit modules; };
        # Every NixOS since 21.05 has `extendModules`.
        values =
          if modules != [ ] && !(configuration ? extendModules) then
            { state = "fixed"; }
          else
            { state = "evaluated"; } // read request extended;
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
  configurations = builtins.mapAttrs (
    profile: request: builtins.trace "${mark}${profile}" (probe request)
  ) wanted;
}
