# A NixOS module for closure boot. The initrd has stage 1 alone. Stage 1 fetches the store paths of
# the system over HTTP, checks each, and then starts the system.
#
# The configuration must import NixOS's `installer/netboot/netboot.nix`, and it needs systemd in
# stage 1. Nothing that the initrd contains depends on the packages, services, users, keys, host
# name, time zone, DHCP or kernel parameters of the system, so its bytes stay as they are when those
# change. The kernel, firmware, locales, name servers, and blacklisted kernel modules change it.
{
  config,
  lib,
  options,
  pkgs,
  ...
}:
let
  cfg = config.netboot.closure;

  # Where NixOS mounts the lower layer of the store.
  store = "/nix/.ro-store";

  # The initrd gets its address under the identifier that iPXE used, so that the DHCP server
  # renews iPXE's lease. By default, systemd makes an identifier from the machine ID, which is
  # random in each stage of each boot of a machine without a disk.
  clientIdentifier = "mac";
  lease = ''
    [DHCPv4]
    ClientIdentifier=${clientIdentifier}
  '';

  # An option of the program, if it is set.
  flag = name: lib.optional (cfg.${name} != null) "--${name} ${toString cfg.${name}}";

  hasStage1 =
    options ? boot.initrd.systemd.network && options ? boot.initrd.systemd.extraBin;

  # The commands that make links to the kernel and the initrd come before these.
  removeBootFiles = lib.mkAfter ''
    rm -f $out/kernel $out/initrd $out/append-initrd-secrets
  '';
in
{
  _file = "netboot: closure boot";
  # A configuration may import this module, and Netboot may add it again.
  key = "netboot: closure boot";

  options.netboot.closure = {
    program = lib.mkOption {
      type = lib.types.path;
      description = "The program `netboot-stage1`, an executable file.";
    };

    networkDrivers = lib.mkOption {
      type = lib.types.listOf (lib.types.strMatching "[A-Za-z0-9_-]+");
      example = [ "r8152" ];
      description = ''
        The drivers of network cards in the initrd, as names of kernel modules. A definition adds
        to the drivers of common servers. `lib.mkForce` replaces them.

        If the release has `boot.initrd.allowMissingModules`, a driver that the kernel does not have
        is left out. Some cards need firmware too: add it to `hardware.firmware`.
      '';
    };

    connections = lib.mkOption {
      type = lib.types.nullOr (lib.types.ints.between 1 8);
      default = null;
      description = "The number of connections that fetch at the same time, or the program's own.";
    };

    delay = lib.mkOption {
      type = lib.types.nullOr lib.types.ints.unsigned;
      default = null;
      description = ''
        The number of seconds for which a failure stays on the console before the machine boots
        again, or the program's own.
      '';
    };

    keepBootFiles = lib.mkOption {
      type = lib.types.bool;
      default = false;
      description = ''
        Whether the system keeps its links to its kernel and initrd. Machines would then fetch
        both twice: from the boot loader, and as store paths of the system. Without the links,
        `systemctl kexec`, and `nixos-rebuild boot` on the machine, do not find them.
      '';
    };
  };

  config = lib.mkMerge [
    {
      assertions = [
        {
          assertion = hasStage1;
          message = ''
            netboot: closure boot needs the options `boot.initrd.systemd.network` and
            `boot.initrd.systemd.extraBin`. Update nixpkgs to NixOS 23.11 or newer.
          '';
        }
        {
          assertion = hasStage1 -> config.boot.initrd.systemd.enable;
          message = ''
            netboot: closure boot needs systemd in stage 1. Set boot.initrd.systemd.enable = true.
          '';
        }
        {
          assertion = options ? netboot.storeContents;
          message = ''
            netboot: closure boot needs a netboot configuration. Import
            "''${modulesPath}/installer/netboot/netboot-minimal.nix".
          '';
        }
      ];
    }

    (lib.optionalAttrs hasStage1 {
      netboot.closure.networkDrivers = [
        # Intel
        "e1000"
        "e1000e"
        "i40e"
        "iavf"
        "ice"
        "igb"
        "igc"
        "ixgbe"
        "ixgbevf"
        # Broadcom
        "bnx2"
        "bnx2x"
        "bnxt_en"
        "tg3"
        # NVIDIA Mellanox
        "mlx4_en"
        "mlx5_core"
        # Others
        "atlantic"
        "be2net"
        "cxgb4"
        "enic"
        "ionic"
        "qede"
        "r8169"
        "sfc"
        # Virtual machines and clouds
        "ena"
        "gve"
        "hv_netvsc"
        "virtio_net"
        "virtio_pci"
        "vmxnet3"
      ];

      # The initrd without the image of the store.
      system.build.netbootRamdisk = lib.mkForce config.system.build.initialRamdisk;

      # The program counts the memory that the store will take, and refuses if there is too little.
      # NixOS mounts its overlay over this directory.
      fileSystems.${store} = lib.mkForce {
        device = "tmpfs";
        fsType = "tmpfs";
        options = [
          "mode=0755"
          "size=100%"
          "nr_inodes=0"
        ];
        neededForBoot = true;
      };

      boot = {
        # A failure of something else in stage 1 also ends with another boot. Parameters of the
        # configuration come later and go over these.
        kernelParams = lib.mkBefore [
          "boot.panic_on_fail"
          "panic=30"
        ];

        initrd = {
          availableKernelModules = cfg.networkDrivers ++ [
            # The disk cache, and a store in compressed memory. Kernels before 6.12 compress it with
            # their crypto modules.
            "ext4"
            "lzo-rle"
            "zram"
            "zstd"
          ];

          systemd = {
            enable = lib.mkDefault true;

            extraBin = {
              netboot-stage1 = cfg.program;
              mke2fs = "${pkgs.e2fsprogs}/bin/mke2fs";
            };

            # The host name would be in the initrd, which would change with it.
            contents = {
              "/etc/hostname".text = lib.mkForce "";
              # For the file that systemd writes for `ip=:::::BOOTIF:dhcp`.
              "/etc/systemd/network/70-BOOTIF.network.d/netboot.conf".text = ''
                ${lease}SendHostname=no
              '';
            };

            network = {
              enable = true;
              # Without `BOOTIF`, any card may be the one that booted.
              networks."98-netboot" = {
                matchConfig = {
                  Type = "ether";
                  Kind = "!*";
                  KernelCommandLine = "!BOOTIF";
                };
                networkConfig.DHCP = "yes";
                dhcpV4Config = {
                  ClientIdentifier = clientIdentifier;
                  SendHostname = false;
                };
              };
            };

            services = {
              netboot-closure = {
                description = "Fetch the store paths of the system";
                wants = [ "systemd-networkd.service" ];
                # The program waits for an address itself.
                after = [
                  "systemd-networkd.service"
                  "systemd-resolved.service"
                ];
                # An overlay's lower layer must be complete when it is mounted.
                requiredBy = [ "sysroot-nix-store.mount" ];
                before = [
                  "sysroot-nix-store.mount"
                  "shutdown.target"
                ];
                conflicts = [ "shutdown.target" ];
                unitConfig = {
                  DefaultDependencies = false;
                  RequiresMountsFor = "/sysroot${store}";
                  # The program has said why, and has waited.
                  FailureAction = "reboot-force";
                };
                serviceConfig = {
                  Type = "oneshot";
                  RemainAfterExit = true;
                  TimeoutStartSec = "infinity";
                  StandardOutput = "journal+console";
                  StandardError = "journal+console";
                  ExecStart = toString (
                    [ "/bin/netboot-stage1 --into /sysroot${store}" ]
                    ++ flag "connections"
                    ++ flag "delay"
                  );
                };
                environment.PATH = lib.mkForce "/bin:/sbin";
                # systemd would say each second that the job is still running. The program shows its
                # progress itself. For the signals, see systemd(1).
                preStart = "kill -s RTMIN+21 1";
                postStart = ''
                  mount -o remount,ro /sysroot${store}
                  case "$(< /proc/cmdline)" in
                    *show_status=* | *quiet*) ;;
                    *) kill -s RTMIN+20 1 ;;
                  esac
                '';
              };

              # The network file that systemd made for stage 1 would go over those of the system.
              netboot-forget-network = {
                description = "Remove the network settings of stage 1";
                wantedBy = [ "initrd-switch-root.target" ];
                before = [ "initrd-switch-root.service" ];
                unitConfig.DefaultDependencies = false;
                serviceConfig = {
                  Type = "oneshot";
                  ExecStart = "/bin/rm -f /run/systemd/network/70-BOOTIF.network";
                };
              };
            };
          };
        };
      };
    })

    (lib.optionalAttrs (options ? boot.initrd.allowMissingModules) {
      boot.initrd.allowMissingModules = lib.mkDefault true;
    })

    # The default depends on the network of the system.
    (lib.optionalAttrs (options ? boot.initrd.systemd.network.wait-online.anyInterface) {
      boot.initrd.systemd.network.wait-online.anyInterface = lib.mkDefault true;
    })

    # Stage 2 asks under the same identifier. These files belong to systemd-networkd alone.
    (lib.optionalAttrs (options ? environment.etc) {
      environment.etc = {
        "systemd/networkd.conf.d/netboot.conf".text = lease;
        # Older versions of systemd know the setting only for a network. NixOS makes this one for
        # `networking.useDHCP`.
        "systemd/network/99-ethernet-default-dhcp.network.d/netboot.conf".text = lease;
      };
    })

    # These options are internal to NixOS, so a release may lack them. Its machines then fetch more.
    (lib.optionalAttrs (options ? boot.bootspec.writer) (
      lib.mkIf (!cfg.keepBootFiles) {
        # The file names the kernel and the initrd.
        boot.bootspec.writer = lib.mkForce "";
        boot.bootspec.enableValidation = lib.mkForce false;
      }
    ))
    (lib.mkIf (!cfg.keepBootFiles) (
      if options ? system.systemBuilderCommands then
        { system.systemBuilderCommands = removeBootFiles; }
      else
        lib.optionalAttrs (options ? system.extraSystemBuilderCmds) {
          system.extraSystemBuilderCmds = removeBootFiles;
        }
    ))
  ];
}
