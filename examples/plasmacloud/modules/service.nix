# Makes a NixOS module for a service of PlasmaCloud from its name and its description in
# `services/`.
name:
{
  title,
  # The package's attribute in `pkgs`, and the program in it.
  package ? "${name}-server",
  program ? package,
  # By name: `port`, `description`, and `protocol` ("tcp" by default, or "udp").
  ports,
  # The purpose of each secret, by name. The file is `/etc/nixos/secrets/<service>/<name>`.
  secrets ? { },
  # Services of PlasmaCloud that start before this one if the same machine runs them.
  after ? [ ],
  # Additional rights. By default, a service can use the network and write to its own directory.
  groups ? [ ],
  devices ? [ ],
  capabilities ? [ ],
  addressFamilies ? [ ],
  # Settings of the unit that override `hardening.nix`.
  hardening ? { },
}:
{
  config,
  lib,
  pkgs,
  utils,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.services.${name};
  secretsDirectory = "/etc/nixos/secrets";
  # systemd gives a unit its credentials in this path, which is the same at every start.
  credential = secret: "/run/credentials/${name}.service/${secret}";
  portsOf =
    protocol:
    map (port: cfg.ports.${port}) (
      builtins.filter (port: (ports.${port}.protocol or "tcp") == protocol) (builtins.attrNames ports)
    );
  secretPaths = builtins.attrValues cfg.secrets;
  # systemd-tmpfiles reads a path as a pattern with specifiers, and `..` would leave the directory.
  plainPath = "${secretsDirectory}(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+";
  settingsFormat = pkgs.formats.toml { };
in
{
  # With this key, importing a service twice has the effect of importing it once.
  key = "plasmacloud-service-${name}";

  options.services.${name} = {
    enable = lib.mkEnableOption title;

    package = mkOption {
      type = types.nullOr types.package;
      default = pkgs.${package} or null;
      defaultText = lib.literalExpression "pkgs.${package} or null";
      description = "The package with the program `${program}`.";
    };

    user = mkOption {
      type = types.str;
      default = name;
      description = "The user that runs the service. NixOS creates it if it has this default name.";
    };

    group = mkOption {
      type = types.str;
      default = name;
      description = "The group of the service. NixOS creates it if it has this default name.";
    };

    dataDir = mkOption {
      type = types.path;
      default = "/var/lib/${name}";
      description = "The directory for the service's data. The service can write only there.";
    };

    ports = builtins.mapAttrs (
      _: port:
      mkOption {
        type = types.port;
        default = port.port;
        description = "The ${lib.toUpper (port.protocol or "tcp")} port: ${port.description}.";
      }
    ) ports;

    openFirewall = mkOption {
      type = types.bool;
      default = false;
      description = "Whether the firewall opens these ports.";
    };

    secrets = builtins.mapAttrs (
      secret: purpose:
      mkOption {
        # Not `types.path`: a path literal would copy the secret into the Nix store.
        type = types.str;
        default = "${secretsDirectory}/${name}/${secret}";
        description = ''
          The file with ${purpose}, on the machine, below `${secretsDirectory}`. It belongs to the
          service's user with mode 0400, and the service reads it as `${credential secret}`.
        '';
      }
    ) secrets;

    settings = mkOption {
      type = settingsFormat.type;
      default = { };
      description = ''
        The service's configuration. It is merged over the settings of this module. Everybody on the
        machine can read it in the Nix store, so put secrets into the files of `secrets`.
      '';
    };

    extraArgs = mkOption {
      type = types.listOf types.str;
      default = [ ];
      description = "Additional arguments of the program.";
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = cfg.package != null;
        message = ''
          services.${name}: pkgs has no package `${package}`. Add the overlay of PlasmaCloud's
          flake to `nixpkgs.overlays`, or set `services.${name}.package`.
        '';
      }
    ]
    ++ lib.mapAttrsToList (secret: path: {
      assertion = builtins.match plainPath path != null;
      message = ''
        services.${name}.secrets.${secret} is not a plain path below ${secretsDirectory}: ${path}
        Write it as a string, not as a path literal, which would copy the secret into the Nix store,
        where everybody can read it. Use only letters, digits, dots, dashes and underscores, and no
        name that starts with a dot.
      '';
    }) cfg.secrets;

    services.${name}.settings = {
      data_dir = lib.mkDefault cfg.dataDir;
      ports = builtins.mapAttrs (_: lib.mkDefault) cfg.ports;
      secrets = builtins.mapAttrs (secret: _: lib.mkDefault (credential secret)) cfg.secrets;
    };

    users.users = lib.mkIf (cfg.user == name) {
      ${name} = {
        isSystemUser = true;
        inherit (cfg) group;
        extraGroups = groups;
        home = cfg.dataDir;
      };
    };
    users.groups = lib.mkIf (cfg.group == name) { ${name} = { }; };

    networking.firewall = lib.mkIf cfg.openFirewall {
      allowedTCPPorts = portsOf "tcp";
      allowedUDPPorts = portsOf "udp";
    };

    # The directories are created. The secrets are not, but they get the right owner and mode.
    systemd.tmpfiles.rules = [
      "d ${cfg.dataDir} 0750 ${cfg.user} ${cfg.group} -"
      "d ${secretsDirectory} 0711 root root -"
    ]
    ++ map (path: "z ${path} 0400 ${cfg.user} ${cfg.group} -") secretPaths;

    systemd.services.${name} = {
      description = title;
      wantedBy = [ "multi-user.target" ];
      wants = [ "network-online.target" ];
      after = [ "network-online.target" ] ++ map (service: "${service}.service") after;
      unitConfig = {
        RequiresMountsFor = cfg.dataDir;
        # Without this, systemd would also fail, but not name the missing secret.
        AssertPathExists = secretPaths;
      };
      serviceConfig = import ./hardening.nix { inherit devices capabilities addressFamilies; } // {
        # A shell's quoting does not fit: systemd expands `%` and `$` even inside quotation marks.
        ExecStart = utils.escapeSystemdExecArgs (
          [
            "${cfg.package}/bin/${program}"
            "--config"
            (settingsFormat.generate "${name}.toml" cfg.settings)
          ]
          ++ cfg.extraArgs
        );
        User = cfg.user;
        Group = cfg.group;
        SupplementaryGroups = groups;
        LoadCredential = lib.mapAttrsToList (secret: path: "${secret}:${path}") cfg.secrets;
        WorkingDirectory = cfg.dataDir;
        ReadWritePaths = [ cfg.dataDir ];
        Restart = "on-failure";
        RestartSec = "5s";
      } // hardening;
    };
  };
}
