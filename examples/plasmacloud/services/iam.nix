{
  title = "IAM, identity and access management";
  after = [
    "chainfire"
    "flaredb"
  ];
  ports.api = {
    port = 3000;
    description = "the API for identities and permissions";
  };
  secrets = {
    signing-key = "the key that signs tokens";
    tls-key = "the private key of this node's certificate";
  };
}
