{
  title = "FiberLB, the load balancer for layers 4 and 7";
  after = [
    "chainfire"
    "novanet"
  ];
  ports = {
    http = {
      port = 80;
      description = "the services of tenants";
    };
    https = {
      port = 443;
      description = "the services of tenants over TLS";
    };
    api = {
      port = 7000;
      description = "the API for listeners and back ends";
    };
  };
  secrets.tls-key = "the private key of this node's certificate";

  # For privileged ports, and for addresses that do not belong to the machine.
  capabilities = [
    "CAP_NET_BIND_SERVICE"
    "CAP_NET_RAW"
  ];
}
