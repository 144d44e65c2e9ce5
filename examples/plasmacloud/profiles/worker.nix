# A machine that runs tenants' virtual machines.
{
  plasmacloud.profile = {
    name = "worker";
    services = [
      "plasmavmc"
      "novanet"
    ];
  };

  # So that virtualisation can be tried on the hardware before anything is installed. The one that
  # does not fit the processor fails to load, and nothing else.
  boot.kernelModules = [
    "kvm-intel"
    "kvm-amd"
    "vhost_net"
    "openvswitch"
  ];
}
