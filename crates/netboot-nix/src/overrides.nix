# The modules that stand for a caller's overrides. `data` is what the caller gave, read from JSON.
data:
let
  # An attribute of a package set, by the list of the names that lead to it.
  attribute =
    set: path:
    builtins.foldl' (
      found: name:
      if builtins.isAttrs found && builtins.hasAttr name found then
        found.${name}
      else
        throw "netboot: this attribute is not in pkgs: ${builtins.concatStringsSep "." path}"
    ) set path;

  # A path that is named with the hash of its content may be read in a pure evaluation.
  fetched =
    module:
    builtins.fetchTree {
      type = "path";
      inherit (module) path narHash;
    };

  # An option is set only where there is something to set: a configuration need not have them all.
  unless = absent: settings: if absent then { } else settings;
in
[
  (
    { pkgs, lib, ... }:
    {
      config =
        unless (data.kernel_parameters == [ ]) { boot.kernelParams = data.kernel_parameters; }
        // unless (data.authorized_keys == { }) {
          users.users = builtins.mapAttrs (_: keys: {
            openssh.authorizedKeys.keys = keys;
          }) data.authorized_keys;
        }
        // unless (data.packages == [ ]) {
          environment.systemPackages = map (attribute pkgs) data.packages;
        };
    }
  )
  (
    { pkgs, lib, ... }:
    {
      config = unless (data.kernel_packages == null) {
        boot.kernelPackages = lib.mkForce (attribute pkgs data.kernel_packages);
      };
    }
  )
]
++ map (settings: { config = settings; }) data.settings
++ map (module: { imports = [ (fetched module).outPath ]; }) data.modules
