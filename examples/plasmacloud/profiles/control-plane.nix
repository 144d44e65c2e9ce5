# A node of a control plane: all nine services.
{
  plasmacloud.profile = {
    name = "control-plane";
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
