{
  title = "Chainfire, distributed configuration and coordination";
  ports = {
    client = {
      port = 2379;
      description = "where the other services ask";
    };
    raft = {
      port = 2380;
      description = "where members agree with each other";
    };
    gossip = {
      port = 2381;
      protocol = "udp";
      description = "where members find each other";
    };
  };
  secrets = {
    tls-key = "the private key of this member's certificate";
    gossip-key = "the key that members share";
  };
}
