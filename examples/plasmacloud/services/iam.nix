{
  title = "IAM, identity and access management";
  after = [
    "chainfire"
    "flaredb"
  ];
  ports.api = {
    port = 3000;
    description = "where identities are proved and permissions are asked for";
  };
  secrets = {
    signing-key = "the key that tokens are signed with";
    tls-key = "the private key of this node's certificate";
  };
}
