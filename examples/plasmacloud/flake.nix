{
  description = "PlasmaCloud: netboot images for its machines, and NixOS modules for its services";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";

  outputs =
    { self, nixpkgs }:
    let
      inherit (nixpkgs) lib;

      descriptions = import ./services;
      profiles = {
        control-plane = ./profiles/control-plane.nix;
        worker = ./profiles/worker.nix;
        all-in-one = ./profiles/all-in-one.nix;
      };

      # A module for each service. Each can be used alone: `nixosModules.chainfire`.
      serviceModules = builtins.mapAttrs (
        name: description: import ./modules/service.nix name description
      ) descriptions;
    in
    {
      nixosModules = serviceModules // {
        # All nine services, for installed systems. This enables none of them.
        default.imports = builtins.attrValues serviceModules;
        # The base of every netboot image of PlasmaCloud, without a profile.
        netboot.imports = [
          ./modules/netboot/base.nix
          self.nixosModules.default
        ];
        # One DHCP lease for each boot, for any configuration with systemd-networkd.
        one-lease = ./modules/netboot/one-lease.nix;
      };

      # For your own flake: the netboot configuration of a profile, with your own modules.
      #
      #   nixosConfigurations.netboot-worker = plasmacloud.lib.netbootConfiguration {
      #     profile = "worker";
      #     modules = [ { plasmacloud.provisioningKeys = [ "ssh-ed25519 …" ]; } ];
      #   };
      lib.netbootConfiguration =
        {
          profile,
          modules ? [ ],
          system ? "x86_64-linux",
        }:
        lib.nixosSystem {
          modules = [
            self.nixosModules.netboot
            profiles.${profile}
            { nixpkgs.hostPlatform = lib.mkDefault system; }
          ]
          ++ modules;
        };

      nixosConfigurations = lib.mapAttrs' (profile: _: {
        name = "netboot-${profile}";
        value = self.lib.netbootConfiguration {
          inherit profile;
          modules = [ ./site.nix ];
        };
      }) profiles;
    };
}
