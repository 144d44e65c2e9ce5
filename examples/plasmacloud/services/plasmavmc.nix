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
      description = "where virtual machines are ordered";
    };
    migration = {
      port = 4001;
      description = "where a virtual machine arrives from another node";
    };
  };
  secrets.tls-key = "the private key of this node's certificate";

  # It starts hypervisors, which need KVM and compile code in memory, and connects their interfaces.
  # Devices that virtual machines are to have for themselves take "/dev/vfio/vfio" and "char-vfio".
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
