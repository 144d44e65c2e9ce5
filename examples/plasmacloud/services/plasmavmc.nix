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

  # It starts hypervisors: they need KVM, and they compile code in memory.
  groups = [ "kvm" ];
  devices = [
    "/dev/kvm"
    "/dev/vhost-net"
    "/dev/net/tun"
  ];
  capabilities = [ "CAP_NET_ADMIN" ];
  hardening.MemoryDenyWriteExecute = false;
}
