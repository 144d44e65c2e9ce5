# The services that a machine of each profile must answer with. What is started comes from the
# configuration (services.<name>.enable), so that a configuration that lost a service fails here.
let
  every = [
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
in
{
  control-plane = every;
  all-in-one = every;
  worker = [
    "plasmavmc"
    "novanet"
  ];
}
