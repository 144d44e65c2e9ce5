{
  title = "K8sHost, Kubernetes for tenants";
  after = [
    "chainfire"
    "iam"
    "plasmavmc"
    "novanet"
  ];
  ports = {
    kubernetes = {
      port = 6443;
      description = "the Kubernetes API";
    };
    api = {
      port = 9000;
      description = "where clusters are ordered";
    };
  };
  secrets = {
    service-account-key = "the key that service accounts' tokens are signed with";
    tls-key = "the private key of this node's certificate";
  };
}
