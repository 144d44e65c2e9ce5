# One machine for everything: for development, small sites and the edge.
{
  plasmacloud.profile = {
    name = "all-in-one";
    services = [
      "chainfire"
      "flaredb"
      "iam"
      "plasmavmc"
      "novanet"
      "flashdns"
      "fiberlb"
      "lightningstor"
      "k8shost"
    ];
  };
}
