# Modules with the caller's overrides. `data` has the overrides, read from JSON, and the `mark` of the
# run.
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

  # A pure evaluation can read a path with the hash of its content. The path of the copy is printed
  # with the mark of the run, because Nix's messages name the copy.
  fetched =
    module:
    let
      copy = builtins.fetchTree {
        type = "path";
        inherit (module) path narHash;
      };
    in
    builtins.trace "${data.mark}module ${copy.outPath} ${module.path}" copy;

  # A module that names the caller's setting in NixOS's messages. There is none without a value,
  # because the configuration may not have the option.
  unless =
    absent: setting: module:
    if absent then [ ] else [ ({ _file = "${setting} of Overrides"; } // module) ];

  settingsOf =
    number:
    let
      which = if builtins.length data.settings == 1 then "" else " ${toString (number + 1)}";
    in
    {
      _file = "settings${which} of Overrides";
      config = builtins.elemAt data.settings number;
    };

  # A module without a path of its own has the name of the one that imports it. The key lets NixOS
  # take the same module only once.
  moduleOf = module: {
    _file = "module ${baseNameOf module.path} of Overrides";
    key = "netboot: ${module.path} ${module.narHash}";
    imports = [ (import (fetched module).outPath) ];
  };
in
unless (data.kernel_parameters == [ ]) "kernel_parameter" {
  config.boot.kernelParams = data.kernel_parameters;
}
++ unless (data.authorized_keys == { }) "authorized_key" {
  config.users.users = builtins.mapAttrs (_: keys: {
    openssh.authorizedKeys.keys = keys;
  }) data.authorized_keys;
}
++ unless (data.packages == [ ]) "package" {
  imports = [
    (
      { pkgs, ... }:
      {
        environment.systemPackages = map (attribute pkgs) data.packages;
      }
    )
  ];
}
++ unless (data.kernel_packages == null) "kernel_packages" {
  imports = [
    (
      { pkgs, lib, ... }:
      {
        boot.kernelPackages = lib.mkForce (attribute pkgs data.kernel_packages);
      }
    )
  ];
}
++ builtins.genList settingsOf (builtins.length data.settings)
++ map moduleOf data.modules
