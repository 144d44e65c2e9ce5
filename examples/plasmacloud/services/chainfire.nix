{
  title = "Chainfire, distributed configuration and coordination";
  ports = {
    client = {
      port = 2379;
      description = "requests of the other services";
    };
    raft = {
      port = 2380;
      description = "consensus between members";
    };
    gossip = {
      port = 2381;
      protocol = "udp";
      description = "discovery of members";
    };
  };
  secrets = {
    tls-key = "the private key of this member's certificate";
    gossip-key = "the key that all members share";
  };
}
