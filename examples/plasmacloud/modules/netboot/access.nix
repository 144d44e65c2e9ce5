# Access to the machine: only root, and only with a key.
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
  # Every SSH key starts with the length of its type, which has three zero bytes: `AAAA` in base64.
  # An empty line or a comment is not a key.
  isKey = lib.hasInfix " AAAA";
  # Overrides the installer's profile.
  locked = lib.mkForce "!";
in
{
  options.plasmacloud = {
    provisioningKeys = lib.mkOption {
      type = lib.types.listOf lib.types.str;
      # No default key: whoever has the key controls the machine.
      default = [ ];
      example = [ "ssh-ed25519 AAAA… operations@plasmacloud" ];
      description = "The public SSH keys for logins as root, one line each.";
    };

    consoleAutologin = lib.mkOption {
      type = lib.types.bool;
      default = false;
      description = ''
        Whether everybody at a console becomes the user `nixos`, who may do everything. This
        includes a serial console over the network. Use it to examine a machine that SSH cannot
        reach.
      '';
    };
  };

  config = lib.mkMerge [
    {
      # Only root's keys count, from any source, for example from `Overrides::authorized_key("root",
      # …)` of a program that uses Netboot.
      assertions = [
        {
          assertion = builtins.any isKey root.keys || root.keyFiles != [ ];
          message = ''
            No SSH key is set: nobody could log in to a machine that boots this image.
            Make one: ssh-keygen -t ed25519 -C provisioning@plasmacloud -f provisioning-key
            Then set its public half in site.nix:
              plasmacloud.provisioningKeys = [ "ssh-ed25519 …" ];
            or in Rust: netboot_nix::Overrides::builder().authorized_key("root", key).
          '';
        }
        {
          assertion = placeholders == [ ];
          message = ''
            An SSH key is only a placeholder: ${builtins.concatStringsSep ", " placeholders}
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
      # The installer's profile also lets everybody in as `nixos`, who has sudo.
      users.users.nixos.initialHashedPassword = locked;
      services.getty = {
        autologinUser = lib.mkForce null;
        helpLine = lib.mkForce "Log in as root over SSH, with a provisioning key.";
      };
    })
  ];
}
