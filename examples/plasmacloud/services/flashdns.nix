{
  title = "FlashDNS, the name server";
  after = [
    "chainfire"
    "iam"
  ];
  ports = {
    dns-udp = {
      port = 53;
      protocol = "udp";
      description = "queries";
    };
    dns-tcp = {
      port = 53;
      description = "queries with long answers, and zone transfers";
    };
    api = {
      port = 6000;
      description = "the API for records";
    };
  };
  secrets.tsig-key = "the key that signs zone transfers";

  # Port 53 is privileged.
  capabilities = [ "CAP_NET_BIND_SERVICE" ];
}
