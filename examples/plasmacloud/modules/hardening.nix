# The sandbox of a service's unit (systemd.exec(5)). It allows only what the service asks for.
{
  devices,
  capabilities,
  addressFamilies,
}:
{
  AmbientCapabilities = capabilities;
  # An empty string removes all capabilities. An empty list would set nothing.
  CapabilityBoundingSet = if capabilities == [ ] then "" else capabilities;
  DeviceAllow = map (device: "${device} rw") devices;
  DevicePolicy = "closed";
  LockPersonality = true;
  MemoryDenyWriteExecute = true;
  NoNewPrivileges = true;
  PrivateDevices = devices == [ ];
  PrivateTmp = true;
  # With a user namespace, capabilities would have no effect outside it.
  PrivateUsers = capabilities == [ ] && devices == [ ];
  ProcSubset = if capabilities == [ ] then "pid" else "all";
  ProtectClock = true;
  ProtectControlGroups = true;
  ProtectHome = true;
  ProtectHostname = true;
  ProtectKernelLogs = true;
  ProtectKernelModules = true;
  ProtectKernelTunables = !(builtins.elem "CAP_NET_ADMIN" capabilities);
  ProtectProc = "invisible";
  ProtectSystem = "strict";
  RemoveIPC = true;
  RestrictAddressFamilies = [
    "AF_UNIX"
    "AF_INET"
    "AF_INET6"
  ]
  ++ addressFamilies;
  RestrictNamespaces = true;
  RestrictRealtime = true;
  RestrictSUIDSGID = true;
  SystemCallArchitectures = "native";
  # A program that tries an optional call, such as chown, gets an error and is not killed.
  SystemCallErrorNumber = "EPERM";
  SystemCallFilter = [
    "@system-service"
    "~@privileged"
  ];
  UMask = "0077";
}
