# The packages of the configurations: busybox, and a way to run scripts with it.
rec {
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
  tools = toolsOf "${./bin}/busybox";

  # Another busybox under the names of its applets, which need not run on this computer.
  toolsOf =
    busybox:
    derivation {
      name = "busybox-applets";
      system = "x86_64-linux";
      builder = "${./bin}/busybox";
      args = [
        "sh"
        "-e"
        "-c"
        ''
          "$own" mkdir -p "$out/bin"
          "$own" cp "$busybox" "$out/bin/busybox"
          "$own" chmod 755 "$out/bin/busybox"
          for applet in $("$own" --list); do
            [ "$applet" = busybox ] || "$own" ln -s "$out/bin/busybox" "$out/bin/$applet"
          done
        ''
      ];
      inherit busybox;
      own = "${./bin}/busybox";
    };

  # busybox has `mke2fs` too.
  e2fsprogs = tools;
}
