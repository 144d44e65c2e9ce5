# Reports to the deployer that the machine has reached its init. The deployer adds the URL of the
# reports to the machine's script, as the kernel parameter `netboot.report=<URL>`.
{ pkgs, ... }:
{
  systemd.services.netboot-report = {
    description = "Report to the deployer that this machine booted";
    wantedBy = [ "multi-user.target" ];
    wants = [ "network-online.target" ];
    after = [ "network-online.target" ];
    # Without the parameter, there is nowhere to report to.
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
