# The consoles: the screen, and the serial line that a BMC or QEMU shows.
{ config, lib, ... }:
{
  options.plasmacloud.serialConsole = lib.mkOption {
    type = lib.types.str;
    default = "ttyS0,115200";
    example = "ttyS1,115200n8";
    description = "The serial console, in the form of the kernel parameter `console`.";
  };

  # The last console is /dev/console, to which systemd writes. It is the serial line, because a
  # machine in a rack has no screen.
  config.boot.kernelParams = [
    "console=tty0"
    "console=${config.plasmacloud.serialConsole}"
  ];
}
