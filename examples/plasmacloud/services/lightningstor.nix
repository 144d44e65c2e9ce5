{
  title = "LightningStor, distributed block storage";
  after = [ "chainfire" ];
  ports = {
    api = {
      port = 8000;
      description = "the API for volumes";
    };
    data = {
      port = 8001;
      description = "access to blocks, and their replication";
    };
  };
  secrets = {
    encryption-key = "the key that encrypts volumes";
    tls-key = "the private key of this node's certificate";
  };

  # Whole disks, which udev gives to the group `disk`. The system's disk is one of them.
  groups = [ "disk" ];
  devices = [
    "block-sd"
    "block-blkext"
    "block-device-mapper"
  ];
}
