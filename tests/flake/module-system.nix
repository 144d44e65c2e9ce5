# NixOS's module system in small: modules declare options and define values, the values are merged,
# and the result can be extended. An attribute without a value throws when it is read.
{ modules, pkgs }:
let
  mkOverride = priority: content: {
    _type = "override";
    inherit priority content;
  };
  mkOrder = order: content: {
    _type = "order";
    inherit order content;
  };
  lib = {
    inherit mkOverride;
    mkForce = mkOverride 50;
    mkDefault = mkOverride 1000;
    mkBefore = mkOrder 500;
    mkAfter = mkOrder 1500;
    mkIf = condition: content: {
      _type = "if";
      inherit condition content;
    };
    mkMerge = contents: {
      _type = "merge";
      inherit contents;
    };
    mkOption = option: option // { _type = "option"; };
    optional = condition: element: if condition then [ element ] else [ ];
    optionalAttrs = condition: set: if condition then set else { };
    getName = package: package.pname or (builtins.parseDrvName package.name).name;
    # Types are not checked.
    types = {
      bool = null;
      path = null;
      ints.unsigned = null;
      ints.between = _: _: null;
      listOf = _: null;
      nullOr = _: null;
      strMatching = _: null;
    };
  };

  isType = type: value: builtins.isAttrs value && value._type or "" == type;

  # The modules of a module: the ones that it imports, then itself. A module without a file has the
  # one of the module that imports it.
  loaded =
    args: file: module:
    let
      own = module._file or file;
    in
    if builtins.isFunction module then
      loaded args file (module args)
    else if builtins.isAttrs module then
      builtins.concatMap (loaded args own) (module.imports or [ ]) ++ [ (module // { _file = own; }) ]
    else
      loaded args (toString module) (import module);

  settingsOf =
    module:
    module.config or (builtins.removeAttrs module [
      "_file"
      "imports"
      "key"
      "options"
    ]);

  isSet = value: builtins.isAttrs value && value.type or "" != "derivation";

  mergeOptions = builtins.zipAttrsWith (
    _: values:
    let
      first = builtins.head values;
    in
    if isType "option" first || !isSet first then first else mergeOptions values
  );

  # The defaults of options, as definitions.
  defaults = builtins.mapAttrs (
    _: option:
    if isType "option" option then
      lib.mkIf (option ? default) (mkOverride 1500 (option.default))
    else if isSet option then
      defaults option
    else
      lib.mkMerge [ ]
  );

  # Whether the value within a definition is a set, without reading the conditions around it.
  holdsSet =
    value:
    if isType "if" value then
      holdsSet value.content
    else if isType "merge" value then
      builtins.all holdsSet value.contents
    else
      isSet value && !(value ? _type);

  # Moves conditions from a set to its attributes. The names of the attributes never depend on them.
  pushed =
    value:
    if isType "if" value then
      map (builtins.mapAttrs (_: lib.mkIf value.condition)) (pushed value.content)
    else if isType "merge" value then
      builtins.concatMap pushed value.contents
    else
      [ value ];

  # The values of a definition that apply, each with its priority and order.
  discharged =
    priority: order: value:
    if isType "if" value then
      if value.condition then discharged priority order value.content else [ ]
    else if isType "merge" value then
      builtins.concatMap (discharged priority order) value.contents
    else if isType "override" value then
      discharged value.priority order value.content
    else if isType "order" value then
      discharged priority value.order value.content
    else
      [ { inherit priority order value; } ];

  # Whether a value within a definition has an attribute at this path.
  defines =
    path: value:
    let
      name = builtins.head path;
      isIn = set: set ? ${name} && defines (builtins.tail path) set.${name};
    in
    path == [ ] || holdsSet value && builtins.any isIn (pushed value);

  # The modules that define an option, as NixOS lists them.
  listed =
    all: path:
    let
      definers = builtins.filter (module: defines path (settingsOf module)) all;
    in
    builtins.concatStringsSep "" (map (module: "\n- In `${module._file}'") definers);

  mergeValues =
    all: path: values:
    let
      first = builtins.head values;
      name = builtins.concatStringsSep "." path;
    in
    if values == [ ] then
      throw "The option `${name}' was accessed but has no value defined."
    else if builtins.all builtins.isList values then
      builtins.concatLists values
    else if builtins.all isSet values then
      merge all path values
    else if builtins.length values == 1 || builtins.all (value: value == first) values then
      first
    else
      throw "The option `${name}' has conflicting definition values:${listed all path}";

  merge =
    all: path:
    builtins.zipAttrsWith (
      name: definitions:
      let
        here = path ++ [ name ];
        found = builtins.concatMap (discharged 100 1000) definitions;
        least = builtins.foldl' (least: it: if it.priority < least then it.priority else least) 9999 found;
        strongest = builtins.filter (it: it.priority == least) found;
        ordered = builtins.sort (a: b: a.order < b.order) strongest;
      in
      if builtins.all holdsSet definitions then
        merge all here (builtins.concatMap pushed definitions)
      else
        mergeValues all here (map (it: it.value) ordered)
    );

  evaluate =
    modules:
    let
      args = {
        inherit
          config
          lib
          options
          pkgs
          ;
      };
      all = builtins.concatMap (loaded args "<unknown-file>") modules;
      options = mergeOptions (map (module: module.options or { }) all);
      config = merge all [ ] (
        [ (defaults options) ] ++ builtins.concatMap (module: pushed (settingsOf module)) all
      );
    in
    {
      inherit config options pkgs;
      extendModules = additional: evaluate (modules ++ additional.modules);
    };
in
evaluate modules
