# Applied to the module of closure boot and to the caller's data, read from JSON. Gives the modules
# with which a configuration is extended.
module: data:
let
  # A pure evaluation can read a path with the hash of its content.
  fetched =
    (builtins.fetchTree {
      type = "path";
      inherit (data.program) path narHash;
    }).outPath;
in
[
  module
  (
    { pkgs, ... }:
    {
      _file = "netboot: closure boot";
      netboot.closure.networkDrivers = data.network_drivers;
      netboot.closure.program =
        if !data.program.is_source then
          fetched
        else
          "${
            pkgs.rustPlatform.buildRustPackage {
              name = "netboot-stage1";
              src = fetched;
              cargoLock.lockFile = "${fetched}/Cargo.lock";
              cargoBuildFlags = [ "--package=netboot-stage1" ];
              # The profile of a small program.
              buildType = "stage1";
              # The tests need the other crates of the workspace.
              doCheck = false;
            }
          }/bin/netboot-stage1";
    }
  )
]
