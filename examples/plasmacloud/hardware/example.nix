# A hardware profile: what one model of machine needs beyond the base. This one is for a server with
# NVMe disks, a Mellanox ConnectX card, an Intel processor, and its BMC's console on the second
# serial port. Import it in `site.nix`, or for some machines only in a configuration of their own.
{ pkgs, ... }:
{
  # Stage 1 needs what is between the kernel and its store; a netboot image has its store in memory,
  # so these are for what is found early, and for the disks that disko will partition.
  boot.initrd.availableKernelModules = [
    "nvme"
    "mlx5_core"
    "megaraid_sas"
  ];
  boot.kernelModules = [
    "ipmi_si"
    "ipmi_devintf"
  ];

  boot.kernelParams = [
    # Shows which devices virtual machines can have for themselves. Huge pages, though, are for the
    # installed system: the image is unpacked into the memory that they would take.
    "intel_iommu=on"
    "iommu=pt"
  ];

  # The newest kernel, for cards that are newer than the release; one of a fixed series would be
  # pkgs.linuxPackages_6_12. A driver from outside the kernel's source comes from the same set, e.g.
  #   boot.extraModulePackages = [ config.boot.kernelPackages.r8125 ];
  boot.kernelPackages = pkgs.linuxPackages_latest;

  plasmacloud.serialConsole = "ttyS1,115200n8";

  hardware.cpu.intel.updateMicrocode = true;

  environment.systemPackages = [
    pkgs.ethtool
    pkgs.ipmitool
    pkgs.nvme-cli
  ];
}
