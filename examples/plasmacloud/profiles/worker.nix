# A machine that runs tenants' virtual machines.
{
  plasmacloud.profile = {
    name = "worker";
    services = [
      "plasmavmc"
      "novanet"
    ];
  };

  # So that virtualisation and networks can be tried on the hardware before anything is installed.
  # The KVM that fits the processor is loaded by itself.
  boot.kernelModules = [
    "openvswitch"
    "vhost_net"
  ];
}
