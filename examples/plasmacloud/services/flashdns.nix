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
      description = "queries whose answers are long, and zone transfers";
    };
    api = {
      port = 6000;
      description = "where records are changed";
    };
  };
  secrets.tsig-key = "the key that zone transfers are signed with";

  # Port 53 is a privileged one.
  capabilities = [ "CAP_NET_BIND_SERVICE" ];
}
