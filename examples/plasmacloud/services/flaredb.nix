{
  title = "FlareDB, the database of time series, metrics and events";
  after = [ "chainfire" ];
  ports = {
    client = {
      port = 2479;
      description = "where queries and writes arrive";
    };
    raft = {
      port = 2480;
      description = "where replicas follow each other";
    };
  };
  secrets.tls-key = "the private key of this node's certificate";
}
