# A NixOS module for a service of PlasmaCloud, of its name and its description in `services/`.
name:
{
  title,
  # The package's attribute in `pkgs`, and the program in it.
  package ? "${name}-server",
  program ? package,
  # By name: `port`, `description`, and `protocol`, which is "tcp" unless it is "udp".
  ports,
  # What each is for, by name. It is read from `/etc/nixos/secrets/<service>/<name>`.
  secrets ? { },
  # Services of PlasmaCloud that start before this one, where the same machine runs them.
  after ? [ ],
  # What the service needs beyond a process that talks to the network and writes to its directory.
  groups ? [ ],
  devices ? [ ],
  capabilities ? [ ],
  addressFamilies ? [ ],
  # Further settings of the unit, over those of `hardening.nix`.
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
  # systemd shows a unit its credentials here: the same path at every start.
  credential = secret: "/run/credentials/${name}.service/${secret}";
  portsOf =
    protocol:
    map (port: cfg.ports.${port}) (
      builtins.filter (port: (ports.${port}.protocol or "tcp") == protocol) (builtins.attrNames ports)
    );
  secretPaths = builtins.attrValues cfg.secrets;
  # systemd-tmpfiles reads a path as a pattern with specifiers, and `..` leads out again.
  plainPath = "${secretsDirectory}(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+";
  settingsFormat = pkgs.formats.toml { };
in
{
  # Two imports of one service are one.
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
      description = "The user that runs the service; it is made if it has this default name.";
    };

    group = mkOption {
      type = types.str;
      default = name;
      description = "The group of the service; it is made if it has this default name.";
    };

    dataDir = mkOption {
      type = types.path;
      default = "/var/lib/${name}";
      description = "Where the service keeps its data: the one place that it may write to.";
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
      description = "Whether the firewall lets in what arrives at these ports.";
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
        The service's configuration, merged over what this module sets. It is in the Nix store,
        which everybody on the machine can read: a secret belongs into a file of `secrets`.
      '';
    };

    extraArgs = mkOption {
      type = types.listOf types.str;
      default = [ ];
      description = "Further arguments of the program.";
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = cfg.package != null;
        message = ''
          services.${name}: there is no package `${package}` in pkgs. Add the overlay of PlasmaCloud's
          flake to `nixpkgs.overlays`, or set `services.${name}.package`.
        '';
      }
    ]
    ++ lib.mapAttrsToList (secret: path: {
      assertion = builtins.match plainPath path != null;
      message = ''
        services.${name}.secrets.${secret} is not a plain path below ${secretsDirectory}: ${path}
        Give it as text, not as a path: everybody can read the Nix store. Letters, digits, dots,
        dashes and underscores may be in it, and no name in it begins with a dot.
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

    # Directories are made; a secret is not, but whatever mode it was brought with is put right.
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
        # systemd would fail at the credential too, and not say which one it is.
        AssertPathExists = secretPaths;
      };
      serviceConfig = import ./hardening.nix { inherit devices capabilities addressFamilies; } // {
        # Not as a shell quotes: systemd replaces `%` and `$` within quotation marks too.
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
