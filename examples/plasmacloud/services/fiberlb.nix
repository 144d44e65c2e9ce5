{
  title = "FiberLB, the load balancer for layers 4 and 7";
  after = [
    "chainfire"
    "novanet"
  ];
  ports = {
    http = {
      port = 80;
      description = "what tenants publish";
    };
    https = {
      port = 443;
      description = "what tenants publish over TLS";
    };
    api = {
      port = 7000;
      description = "where listeners and back ends are changed";
    };
  };
  secrets.tls-key = "the private key of this node's certificate";

  # Privileged ports, and addresses that are not the machine's own.
  capabilities = [
    "CAP_NET_BIND_SERVICE"
    "CAP_NET_RAW"
  ];
}
