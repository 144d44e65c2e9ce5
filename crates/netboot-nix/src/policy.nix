# What a policy reads of a configuration, as data; what the configuration does not define is null.
# `services` are the names whose state is wanted.
{ services }:
config:
let
  users = config.users.users or { };
  root = users.root or { };
  keys =
    user:
    let
      authorized = user.openssh.authorizedKeys or { };
    in
    {
      keys = authorized.keys or [ ];
      # As texts without context: they are looked at, and not built.
      files = map (file: builtins.unsafeDiscardStringContext (toString file)) (authorized.keyFiles or [ ]);
    };
  package =
    item: if builtins.isAttrs item then item.pname or (builtins.parseDrvName (item.name or "")).name else "";
in
{
  authorized_keys = builtins.mapAttrs (_: keys) users;
  root_passwords = builtins.listToAttrs (
    map
      (option: {
        name = option;
        # Whether it is set, and to what that is no secret.
        value =
          let
            password = root.${option} or null;
          in
          if password == null then
            "unset"
          else if password == "" then
            "empty"
          else if
            builtins.elem option [
              "hashedPassword"
              "initialHashedPassword"
            ]
            && (
              builtins.elem (builtins.substring 0 1 password) [
                "!"
                "*"
              ]
            )
          then
            "locked"
          else
            "set";
      })
      [
        "password"
        "hashedPassword"
        "hashedPasswordFile"
        "initialPassword"
        "initialHashedPassword"
      ]
  );
  openssh = config.services.openssh.enable or null;
  services = builtins.listToAttrs (
    map (name: {
      inherit name;
      value = config.services.${name}.enable or null;
    }) services
  );
  packages =
    if config ? environment.systemPackages then map package config.environment.systemPackages else null;
  etc = builtins.attrNames (config.environment.etc or { });
}
