# NixOS's module system in small: modules are merged, and the result can be extended.
{ modules, pkgs }:
let
  lib = {
    mkForce = content: {
      _type = "override";
      priority = 50;
      inherit content;
    };
  };

  isOverride = value: builtins.isAttrs value && value._type or "" == "override";

  # The settings of a module and of those that it imports.
  settingsOf =
    args: module:
    if builtins.isFunction module then
      settingsOf args (module args)
    else if builtins.isAttrs module then
      builtins.concatMap (settingsOf args) (module.imports or [ ])
      ++ [ (module.config or (builtins.removeAttrs module [ "imports" ])) ]
    else
      settingsOf args (import module);

  merge =
    path: values:
    let
      forced = builtins.filter isOverride values;
      first = builtins.head values;
    in
    if forced != [ ] then
      merge path (map (value: value.content) forced)
    else if builtins.length values == 1 && !builtins.isAttrs first then
      first
    else if builtins.all builtins.isList values then
      builtins.concatLists values
    else if builtins.all (value: builtins.isAttrs value && value.type or "" != "derivation") values then
      builtins.zipAttrsWith (name: merge (path ++ [ name ])) values
    else if builtins.length values == 1 then
      first
    else
      throw "conflicting values of ${builtins.concatStringsSep "." path}";

  evaluate =
    modules:
    let
      args = {
        inherit lib pkgs config;
      };
      config = merge [ ] (builtins.concatMap (settingsOf args) modules);
    in
    {
      inherit config pkgs;
      extendModules = additional: evaluate (modules ++ additional.modules);
    };
in
evaluate modules
