# The services that have to answer on a machine of each profile. The configuration
# (services.<name>.enable) decides which services start, so a configuration that lacks one fails here.
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
