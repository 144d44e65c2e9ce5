# The sandbox of a service's unit (systemd.exec(5)): nothing is allowed that it does not ask for.
{
  devices,
  capabilities,
  addressFamilies,
}:
{
  AmbientCapabilities = capabilities;
  # An empty text takes all away; an empty list would set nothing.
  CapabilityBoundingSet = if capabilities == [ ] then "" else capabilities;
  DeviceAllow = map (device: "${device} rw") devices;
  DevicePolicy = "closed";
  LockPersonality = true;
  MemoryDenyWriteExecute = true;
  NoNewPrivileges = true;
  PrivateDevices = devices == [ ];
  PrivateTmp = true;
  # It would leave a service that has capabilities without them outside its own namespace.
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
  # A program that tries what it may do without, such as chown, is told so, and not killed.
  SystemCallErrorNumber = "EPERM";
  SystemCallFilter = [
    "@system-service"
    "~@privileged"
  ];
  UMask = "0077";
}
