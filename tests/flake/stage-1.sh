# Stage 1: makes the machine ready for the init that the kernel command line names, and runs it.

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t tmpfs tmpfs /run

# NixOS's stage 1 begins so; with NixOS's log level nothing else tells that init was reached.
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
  # The end of process 1 makes the kernel panic.
  exit 1
fi
exec "$init"
