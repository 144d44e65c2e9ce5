# Who may enter the machine: the holders of a key, as root, and nobody else.
{
  config,
  lib,
  ...
}:
let
  cfg = config.plasmacloud;
  root = config.users.users.root.openssh.authorizedKeys;
  isPlaceholder =
    key:
    builtins.any (mark: lib.hasInfix mark (lib.toLower key)) [
      "..."
      "…"
      "example"
      "placeholder"
      "changeme"
      "your-provisioning-key"
    ];
  placeholders = builtins.filter isPlaceholder root.keys;
  # Every SSH key has its type's length in front, three bytes of which are zero. An empty line or a
  # comment lets nobody in.
  isKey = lib.hasInfix " AAAA";
  # Over what the installer's profile sets.
  locked = lib.mkForce "!";
in
{
  options.plasmacloud = {
    provisioningKeys = lib.mkOption {
      type = lib.types.listOf lib.types.str;
      # No default key: an image with somebody else's key is somebody else's machine.
      default = [ ];
      example = [ "ssh-ed25519 AAAA… operations@plasmacloud" ];
      description = "The public SSH keys, a line each, whose holders may log in as root.";
    };

    consoleAutologin = lib.mkOption {
      type = lib.types.bool;
      default = false;
      description = ''
        Whether whoever is at a console, a serial one over the network too, becomes the user
        `nixos`, who may do everything. It is for looking after a machine that cannot be reached by
        SSH.
      '';
    };
  };

  config = lib.mkMerge [
    {
      # Only root's keys count, by whichever way they came: `Overrides::authorized_key("root", …)`
      # of a program that uses Netboot is such a way.
      assertions = [
        {
          assertion = builtins.any isKey root.keys || root.keyFiles != [ ];
          message = ''
            No SSH key is set: nobody could log in to a machine that boots this image.
            Make one, ssh-keygen -t ed25519 -C provisioning@plasmacloud -f provisioning-key
            and set its public half in site.nix,
              plasmacloud.provisioningKeys = [ "ssh-ed25519 …" ];
            or give it from Rust, netboot_nix::Overrides::builder().authorized_key("root", key).
          '';
        }
        {
          assertion = placeholders == [ ];
          message = ''
            An SSH key is a placeholder and not a key: ${builtins.concatStringsSep ", " placeholders}
            Set plasmacloud.provisioningKeys to the contents of your provisioning-key.pub.
          '';
        }
      ];

      users.users.root.openssh.authorizedKeys.keys = cfg.provisioningKeys;

      services.openssh = {
        enable = true;
        settings = {
          PermitRootLogin = lib.mkForce "prohibit-password";
          PasswordAuthentication = false;
          KbdInteractiveAuthentication = false;
        };
      };

      # The installer's profile gives root an empty password.
      users.users.root.initialHashedPassword = locked;
    }
    (lib.mkIf (!cfg.consoleAutologin) {
      # It also lets everybody in as `nixos`, with sudo.
      users.users.nixos.initialHashedPassword = locked;
      services.getty = {
        autologinUser = lib.mkForce null;
        helpLine = lib.mkForce "Log in as root by SSH, with a provisioning key.";
      };
    })
  ];
}
