{
  title = "FlareDB, the database of time series, metrics and events";
  after = [ "chainfire" ];
  ports = {
    client = {
      port = 2479;
      description = "queries and writes";
    };
    raft = {
      port = 2480;
      description = "replication";
    };
  };
  secrets.tls-key = "the private key of this node's certificate";
}
