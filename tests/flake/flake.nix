{
  description = "PlasmaCloud's three netboot profiles in small: NixOS's attributes, no nixpkgs, no network";

  outputs =
    { self }:
    let
      profiles = import ./profiles.nix;
      configuration = import ./configuration.nix;
    in
    {
      nixosConfigurations = builtins.listToAttrs (
        map (name: {
          name = "netboot-${name}";
          value = import ./module-system.nix {
            modules = [ (configuration name profiles.${name}) ];
            pkgs = import ./packages.nix;
          };
        }) (builtins.attrNames profiles)
      );
    };
}
