{
  title = "NovaNET, the controller of the software-defined network";
  after = [
    "chainfire"
    "iam"
  ];
  ports = {
    api = {
      port = 5000;
      description = "the API for networks";
    };
    geneve = {
      port = 6081;
      protocol = "udp";
      description = "the tunnels between nodes (RFC 8926)";
    };
  };
  secrets.tls-key = "the private key of this node's certificate";

  # It makes interfaces, routes, rules and tunnels. It cannot make network namespaces: they need
  # CAP_SYS_ADMIN, which would remove most of the sandbox.
  capabilities = [
    "CAP_NET_ADMIN"
    "CAP_NET_RAW"
  ];
  devices = [ "/dev/net/tun" ];
  addressFamilies = [
    "AF_NETLINK"
    "AF_PACKET"
  ];
}
