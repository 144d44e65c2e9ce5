# The nine services of PlasmaCloud as data. `modules/service.nix` makes a NixOS module of each.
# To add a service, add a file here and a line below. README.md describes the fields.
{
  chainfire = import ./chainfire.nix;
  flaredb = import ./flaredb.nix;
  iam = import ./iam.nix;
  plasmavmc = import ./plasmavmc.nix;
  novanet = import ./novanet.nix;
  flashdns = import ./flashdns.nix;
  fiberlb = import ./fiberlb.nix;
  lightningstor = import ./lightningstor.nix;
  k8shost = import ./k8shost.nix;
}
