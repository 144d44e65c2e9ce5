{
  title = "LightningStor, distributed block storage";
  after = [ "chainfire" ];
  ports = {
    api = {
      port = 8000;
      description = "where volumes are ordered";
    };
    data = {
      port = 8001;
      description = "where blocks are read, written and replicated";
    };
  };
  secrets = {
    encryption-key = "the key that volumes are encrypted with";
    tls-key = "the private key of this node's certificate";
  };

  # Whole disks, which udev gives to the group `disk`; that with the system is one of them.
  groups = [ "disk" ];
  devices = [
    "block-sd"
    "block-blkext"
    "block-device-mapper"
  ];
}
