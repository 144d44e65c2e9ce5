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

  # busybox has `mke2fs` too.
  e2fsprogs = tools;
}
