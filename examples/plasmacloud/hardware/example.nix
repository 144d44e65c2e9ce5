# A hardware profile: the settings that one model of machine needs in addition to the base. This one
# is for a server with NVMe disks, a Mellanox ConnectX card, an Intel processor, and the console of
# its BMC on the second serial port. Import it in `site.nix`, or in a separate configuration for
# some of the machines.
{ pkgs, ... }:
{
  # Stage 1 needs the drivers between the kernel and its store. A netboot image has its store in
  # memory, so these drivers are for early detection and for the disks that disko partitions.
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
    # Shows which devices can be passed through to virtual machines. Set huge pages only in the
    # installed system: they would take the memory into which the image is unpacked.
    "intel_iommu=on"
    "iommu=pt"
  ];

  # The newest kernel, for network cards that are newer than the release. For a fixed series, use
  # pkgs.linuxPackages_6_12, for example. A driver from outside the kernel's source comes from the
  # same package set:
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
