# One machine for everything: development, small sites, the edge.
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
