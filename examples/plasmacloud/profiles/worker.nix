# A machine that runs the virtual machines of tenants.
{
  plasmacloud.profile = {
    name = "worker";
    services = [
      "plasmavmc"
      "novanet"
    ];
  };

  # With these modules, virtualisation and networks can be tried on the hardware before the
  # installation. The kernel loads the KVM module of the processor by itself.
  boot.kernelModules = [
    "openvswitch"
    "vhost_net"
  ];
}
