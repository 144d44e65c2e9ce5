{
  title = "PlasmaVMC, the control plane of virtual machines";
  after = [
    "chainfire"
    "iam"
    "novanet"
  ];
  ports = {
    api = {
      port = 4000;
      description = "the API for virtual machines";
    };
    migration = {
      port = 4001;
      description = "virtual machines that migrate from another node";
    };
  };
  secrets.tls-key = "the private key of this node's certificate";

  # It starts hypervisors, which need KVM and compile code in memory, and connects their interfaces.
  # To pass devices through to virtual machines, add "/dev/vfio/vfio" and "char-vfio".
  groups = [ "kvm" ];
  devices = [
    "/dev/kvm"
    "/dev/vhost-net"
    "/dev/net/tun"
  ];
  capabilities = [ "CAP_NET_ADMIN" ];
  addressFamilies = [ "AF_NETLINK" ];
  hardening.MemoryDenyWriteExecute = false;
}
