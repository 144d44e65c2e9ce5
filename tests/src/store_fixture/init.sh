# Stage 2: checks what stage 1 assembled, and reports on the console.

system=${0%/init}
registration=/nix/store/nix-path-registration

echo "CLOSURE-GENERATION $generation"
echo "CLOSURE-STORE $(grep ' /nix/store ' /proc/mounts | sed 's/^[^ ]* [^ ]* \([^ ]*\) .*/\1/')"
echo "CLOSURE-PATHS $(ls /nix/store | grep -vc '^nix-path-registration$\|^lost+found$')"
echo "CLOSURE-REGISTRATION $(sha256sum "$registration" | sed 's/ .*//')"
echo "CLOSURE-ADDRESS $(ip -4 -o address show | sed -n 's/.* inet \(10[^/]*\).*/\1/p')"
echo "CLOSURE-CARRIER $(cat /proc/cmdline | sed -n 's/.*\(BOOTIF=[^ ]*\).*/\1/p')"
echo "CLOSURE-MEMORY $(sed -n 's/MemAvailable: *\(.*\)/\1/p' /proc/meminfo)"
if sha256sum -c -s "$system/sums"; then
  echo "CLOSURE-READY $generation"
else
  echo "CLOSURE-DAMAGED $(sha256sum -c "$system/sums" 2>&1 | grep -v ': OK')"
fi

# Gives the serial port time to send the output.
sleep 1
poweroff -f
