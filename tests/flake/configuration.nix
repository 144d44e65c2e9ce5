# One profile's configuration, with the attributes that a NixOS netboot configuration has.
name: expectedServices:
let
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

  kernelParams = [
    "console=ttyS0,115200"
    "loglevel=4"
    # On a busy machine without KVM, the emulated timer can be too slow for the kernel's check.
    "no_timer_check"
    "netboot.profile=${name}"
  ];

  # A derivation that runs a shell script with only the applets of busybox.
  run =
    derivationName: attributes: script:
    derivation (
      attributes
      // {
        name = derivationName;
        system = "x86_64-linux";
        builder = "${tools}/bin/sh";
        args = [
          "-e"
          "-c"
          script
        ];
        PATH = "${tools}/bin";
      }
    );

  # busybox under the names of its applets.
  tools = derivation {
    name = "busybox-applets";
    system = "x86_64-linux";
    builder = "${./bin}/busybox";
    args = [
      "sh"
      "-e"
      "-c"
      ''
        "$busybox" mkdir -p "$out/bin"
        "$busybox" cp "$busybox" "$out/bin/busybox"
        "$out/bin/busybox" --install -s "$out/bin"
      ''
    ];
    busybox = "${./bin}/busybox";
  };

  # Writes the script $1 to $2, for the shell of `tools`.
  installScript = ''
    install_script() {
      { echo "#!$tools/bin/sh"; echo "PATH=$tools/bin"; cat "$1"; } > "$2"
      chmod 755 "$2"
    }
  '';

  kernel = run "linux" { image = ./vmlinuz; } ''
    mkdir "$out"
    cp "$image" "$out/bzImage"
  '';

  toplevel =
    run "nixos-system-netboot-${name}"
      {
        inherit tools generation started;
        profile = name;
        expected = expectedServices;
        parameters = kernelParams;
        init = ./init.sh;
        modules = ./modules;
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
      '';

  # Stage 1 and the closure of toplevel under its real store paths: a compressed cpio archive
  # whose bytes depend only on its contents.
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
        (
          cd root
          mkdir -p dev proc run sys tmp
          install_script "$stage1" init
          find . -exec touch -h -d @1 {} +
          mkdir "$out"
          find . | LC_ALL=C sort \
            | cpio -o -H newc -R 0:0 --ignore-devno --renumber-inodes \
            | gzip -n -9 > "$out/initrd"
        )
      '';
in
{
  config = {
    inherit services;
    boot.kernelParams = kernelParams;
    # The builder's policy requires a key for logins. Nobody has the private half of this one.
    users.users.root.openssh.authorizedKeys.keys = [
      "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti nobody"
    ];
    system.boot.loader.kernelFile = "bzImage";
    system.build = {
      inherit kernel netbootRamdisk toplevel;
    };
  };
}
