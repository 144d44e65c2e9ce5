# Stage 1: prepares the machine for the init of the kernel command line, and runs it.

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t tmpfs tmpfs /run

# NixOS's stage 1 starts with this line. With NixOS's log level, no other line shows that init runs.
echo "<<< NixOS Stage 1 >>>"

# As in NixOS's stage 1, the last `init=` counts.
init=/init-not-given
for parameter in $(cat /proc/cmdline); do
  case $parameter in
    init=*) init=${parameter#init=} ;;
  esac
done

if [ ! -x "$init" ]; then
  echo "stage 1: init $init not found"
  # The kernel panics when process 1 ends.
  exit 1
fi
exec "$init"
