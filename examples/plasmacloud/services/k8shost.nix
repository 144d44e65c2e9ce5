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
      description = "the API for clusters";
    };
  };
  secrets = {
    service-account-key = "the key that signs the tokens of service accounts";
    tls-key = "the private key of this node's certificate";
  };
}
