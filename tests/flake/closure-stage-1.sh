# Stage 1 of closure boot: brings up the network card that booted, lets $fetch fetch the system, and
# runs it. The lines before this one set `fetch`, and the `options` of the store's file system.

export PATH=/bin
store=/sysroot/nix/.ro-store

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t tmpfs tmpfs /run
mkdir -p "$store"
mount -t tmpfs -o "$options" tmpfs "$store"

# NixOS's stage 1 starts with this line. With NixOS's log level, no other line shows that init runs.
echo "<<< NixOS Stage 1 >>>"

while read -r module; do insmod "/modules/$module.ko"; done < /modules/load-order

# As in NixOS's stage 1, the last of a name counts.
init=/init-not-given
bootif=
for parameter in $(cat /proc/cmdline); do
  case $parameter in
    init=*) init=${parameter#init=} ;;
    BOOTIF=*) bootif=${parameter#BOOTIF=} ;;
  esac
done

# BOOTIF is the hardware's type and the address, with dashes.
address=$(echo "${bootif#*-}" | tr A-Z- a-z:)
ip link set lo up
for card in /sys/class/net/*; do
  name=${card##*/}
  [ "$(cat "$card/address")" = "$address" ] || continue
  # It asks until it gets an answer, while the program waits for the address.
  udhcpc -f -q -i "$name" -s /bin/configure-card > /dev/null 2>&1 &
done

if ! $fetch; then
  # As in NixOS, the machine boots again.
  reboot -f
fi
[ -s "$store/nix-path-registration" ] || echo "stage 1: the store has no registration"

# The tests have their own stores: the path of init tells where the machine's store must be.
mount -o remount,ro "$store"
mkdir -p "${init%/*/*}"
mount --move "$store" "${init%/*/*}"
if [ ! -x "$init" ]; then
  echo "stage 1: init $init not found"
  # The kernel panics when process 1 ends.
  exit 1
fi
exec "$init"
