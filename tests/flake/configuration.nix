# The module of one profile, with the options and values that a NixOS netboot configuration has.
{
  machine,
  name,
  expectedServices,
}:
{ config, lib, pkgs, ... }:
let
  inherit (pkgs) run;
  inherit (machine) modules tools;

  lines =
    file:
    builtins.filter (line: builtins.isString line && line != "") (
      builtins.split "\n" (builtins.readFile file)
    );
  generation = builtins.head (lines ./generation);
  disabled = lines ./disabled-services;

  services = builtins.listToAttrs (
    map (service: {
      name = service;
      value.enable = !(builtins.elem service disabled);
    }) expectedServices
  );
  started = builtins.filter (service: services.${service}.enable) (builtins.attrNames services);

  # Writes the script $1 to $2, for the shell of `tools`.
  installScript = ''
    install_script() {
      { echo "#!$tools/bin/sh"; echo "PATH=$tools/bin"; cat "$1"; } > "$2"
      chmod 755 "$2"
    }
  '';

  kernel = run "linux" { image = machine.kernel; } ''
    mkdir "$out"
    cp "$image" "$out/${machine.kernelFile}"
  '';

  toplevel =
    run "nixos-system-netboot-${name}"
      {
        inherit
          generation
          modules
          started
          tools
          ;
        profile = name;
        expected = expectedServices;
        parameters = config.boot.kernelParams;
        keys = config.users.users.root.openssh.authorizedKeys.keys;
        init = ./init.sh;
        network = ./network.sh;
        service = ./service.sh;
      }
      ''
        ${installScript}
        mkdir -p "$out/services" "$out/etc"
        install_script "$init" "$out/init"
        install_script "$network" "$out/network"
        cp -r "$modules" "$out/modules"
        for name in $started; do install_script "$service" "$out/services/$name"; done
        echo "$profile" > "$out/etc/profile"
        echo "$generation" > "$out/etc/generation"
        for name in $expected; do echo "$name"; done > "$out/etc/expected-services"
        echo "$parameters" > "$out/kernel-params"
        echo "$keys" > "$out/etc/authorized-keys"
      '';

  # Packs the directory `root`: a compressed cpio archive whose bytes depend only on its contents.
  pack = ''
    mkdir -p root/dev root/proc root/run root/sys root/tmp
    find root -exec touch -h -d @1 {} +
    mkdir "$out"
    cd root
    find . | LC_ALL=C sort \
      | cpio -o -H newc -R 0:0 --ignore-devno --renumber-inodes \
      | gzip -n -9 > "$out/initrd"
  '';

  # Stage 1 and the closure of toplevel under its real store paths.
  netbootRamdisk =
    run "netboot-initrd"
      {
        inherit tools;
        stage1 = ./stage-1.sh;
        exportReferencesGraph = [
          "closure"
          toplevel
        ];
      }
      ''
        ${installScript}
        echo "packing the closure of $out"
        mkdir root
        # For each path, the graph has the path, its deriver, the number of references, and them.
        while read -r path; do
          read -r deriver
          read -r count
          while [ "$count" -gt 0 ]; do
            read -r reference
            count=$((count - 1))
          done
          mkdir -p "root''${path%/*}"
          cp -a "$path" "root$path"
        done < closure
        install_script "$stage1" root/init
        ${pack}
      '';

  # Stage 1 alone, which runs the units that Netboot's module adds. Nothing in it depends on the
  # system that it starts.
  initialRamdisk =
    let
      programs = config.boot.initrd.systemd.extraBin;
    in
    run "closure-initrd"
      {
        inherit modules tools;
        stage1 = ./closure-stage-1.sh;
        network = ./network.sh;
        names = builtins.attrNames programs;
        paths = builtins.attrValues programs;
        options = builtins.concatStringsSep "," config.fileSystems."/nix/.ro-store".options;
        fetch = config.boot.initrd.systemd.services.netboot-closure.serviceConfig.ExecStart;
      }
      ''
        mkdir -p root/bin root/etc
        cp -r "$modules" root/modules
        cp "$tools/bin/busybox" root/bin/busybox
        for applet in $(busybox --list); do
          [ -e "root/bin/$applet" ] || ln -s busybox "root/bin/$applet"
        done
        set -- $paths
        for name in $names; do
          rm -f "root/bin/$name"
          cp -L "$1" "root/bin/$name"
          shift
        done
        { echo "#!/bin/sh"; cat "$network"; } > root/bin/configure-card
        {
          echo "#!/bin/sh"
          echo "options='$options'"
          echo "fetch='$fetch'"
          cat "$stage1"
        } > root/init
        chmod 755 root/bin/configure-card root/init
        ${pack}
      '';

  # systemd, of which only the stubs for UKIs are there.
  systemd = run "systemd" { stubs = ./systemd; } ''
    mkdir -p "$out/lib"
    cp -r "$stubs" "$out/lib/systemd"
  '';
in
{
  # The options of NixOS that modules look for.
  options = {
    boot.initrd.allowMissingModules = lib.mkOption { };
    boot.initrd.systemd.enable = lib.mkOption { default = true; };
    boot.initrd.systemd.extraBin = lib.mkOption { default = { }; };
    boot.initrd.systemd.network.enable = lib.mkOption { default = false; };
    environment.etc = lib.mkOption { default = { }; };
    netboot.storeContents = lib.mkOption { };
    system.systemBuilderCommands = lib.mkOption { default = ""; };
  };

  config = {
    inherit services;
    boot.kernelParams = [
      "console=${machine.console}"
      "loglevel=4"
      # On a busy machine without KVM, the emulated timer can be too slow for the kernel's check.
      "no_timer_check"
      "netboot.profile=${name}"
    ];
    # The builder's policy requires a key for logins. Nobody has the private half of this one.
    users.users.root.openssh.authorizedKeys.keys = [
      "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti nobody"
    ];
    fileSystems."/nix/.ro-store" = {
      fsType = "squashfs";
      device = "../nix-store.squashfs";
      options = [ "loop" ];
    };
    netboot.storeContents = [ toplevel ];
    system.boot.loader.kernelFile = machine.kernelFile;
    system.build = {
      inherit
        initialRamdisk
        kernel
        netbootRamdisk
        toplevel
        ;
    };
  }
  // lib.optionalAttrs (builtins.pathExists ./systemd) { systemd.package = systemd; };
}
