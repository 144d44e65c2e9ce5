# Tells the deployer that the machine came as far as its init. The deployer says where to report in
# the kernel parameter `netboot.report=<URL>`, which it adds to the machine's script.
{ pkgs, ... }:
{
  systemd.services.netboot-report = {
    description = "Report to the deployer that this machine booted";
    wantedBy = [ "multi-user.target" ];
    wants = [ "network-online.target" ];
    after = [ "network-online.target" ];
    # Without the parameter nobody waits for a report.
    unitConfig.ConditionKernelCommandLine = "netboot.report";
    path = [ pkgs.curl ];
    script = builtins.readFile ./boot-report.sh;
    serviceConfig = {
      Type = "oneshot";
      RemainAfterExit = true;
      TimeoutStartSec = "5min";
      DynamicUser = true;
      CapabilityBoundingSet = "";
      NoNewPrivileges = true;
      PrivateDevices = true;
      ProtectHome = true;
      ProtectSystem = "strict";
      RestrictAddressFamilies = [
        "AF_UNIX"
        "AF_INET"
        "AF_INET6"
      ];
      SystemCallArchitectures = "native";
    };
  };
}
