# Reads the facts that a policy checks. Values that the configuration does not define are null.
# `services` has the names of the services to read.
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
      # Texts without context, so that reading them builds nothing.
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
        # The state of the option, without its value, which is secret.
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
