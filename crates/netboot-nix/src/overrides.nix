# Modules with the caller's overrides. `data` has the overrides, read from JSON.
data:
let
  # An attribute of a package set, by the list of names in its path.
  attribute =
    set: path:
    builtins.foldl' (
      found: name:
      if builtins.isAttrs found && builtins.hasAttr name found then
        found.${name}
      else
        throw "netboot: this attribute is not in pkgs: ${builtins.concatStringsSep "." path}"
    ) set path;

  # A pure evaluation can read a path with the hash of its content.
  fetched =
    module:
    builtins.fetchTree {
      type = "path";
      inherit (module) path narHash;
    };

  # Set an option only if there is a value. The configuration may not have the option.
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
