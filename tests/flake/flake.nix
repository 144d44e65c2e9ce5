{
  description = "PlasmaCloud's three netboot profiles in small: NixOS's attributes, no nixpkgs, no network";

  outputs =
    { self }:
    let
      profiles = import ./profiles.nix;
      machines = import ./machines.nix;
      configured = machine: name: expectedServices: {
        name = "netboot-${name}";
        value = import ./module-system.nix {
          modules = [ (import ./configuration.nix { inherit machine name expectedServices; }) ];
          pkgs = import ./packages.nix // {
            stdenv.hostPlatform.system = machine.system;
          };
        };
      };
    in
    {
      nixosConfigurations = builtins.listToAttrs (
        map (name: configured machines.x86_64 name profiles.${name}) (builtins.attrNames profiles)
        ++ (
          if builtins.pathExists ./aarch64 then
            [ (configured machines.aarch64 "worker-aarch64" profiles.worker) ]
          else
            [ ]
        )
      );
    };
}
