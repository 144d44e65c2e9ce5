# The consoles: a screen, and the serial line that a BMC or QEMU shows.
{ config, lib, ... }:
{
  options.plasmacloud.serialConsole = lib.mkOption {
    type = lib.types.str;
    default = "ttyS0,115200";
    example = "ttyS1,115200n8";
    description = "The serial console, as the kernel parameter `console` takes it.";
  };

  # The last one is /dev/console, where systemd reports: the serial line, since a machine in a rack
  # has no screen.
  config.boot.kernelParams = [
    "console=tty0"
    "console=${config.plasmacloud.serialConsole}"
  ];
}
