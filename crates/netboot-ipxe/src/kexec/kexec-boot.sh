
usage="usage: $0 [--load-only] [--card INTERFACE] [--kexec-extra-flags FLAGS]

Starts the profile $profile in place of the running system. Unsaved work is lost.

  --load-only          load the kernel and do not start it
  --card INTERFACE     the network card that the image uses, such as eth0; the default
                       is the card of the default route
  --kexec-extra-flags FLAGS
                       more options for the program kexec, separated by spaces"

fail() {
  printf '%s: %s\n' "$0" "$1" >&2
  exit 1
}

needs_value() {
  [ "$2" -ge 2 ] || fail "the option $1 needs a value"
}

load_only=no
card=
flags=
while [ $# -gt 0 ]; do
  case $1 in
    --load-only) load_only=yes ;;
    --card)
      needs_value "$1" $#
      card=$2
      shift
      ;;
    --kexec-extra-flags)
      needs_value "$1" $#
      flags=$2
      shift
      ;;
    -h | --help)
      printf '%s\n' "$usage"
      exit
      ;;
    *) fail "there is no option $1; --help lists the options" ;;
  esac
  shift
done

# The command line below has its words in $flags without expanding `*`.
set -f
PATH=${PATH:-/usr/bin:/bin}:/usr/sbin:/sbin

[ "$(id -u)" = 0 ] || fail 'only root can start another kernel: use sudo'
running=$(uname -m)
[ "$running" = "$machine" ] || fail "the kernel is for $machine, but this machine is $running"
directory=$(dirname "$(readlink -f "$0")")
cd "$directory"
# sha256sum is content with a list that ends early.
for name in "$kernel" initrd cmdline kexec; do
  [ "$name" = kexec ] && [ ! -e kexec ] && continue
  grep -q "^[0-9a-f]\{64\}  $name\$" SHA256SUMS ||
    fail "SHA256SUMS in $directory does not name $name: copy the directory again"
done
if ! checked=$(sha256sum -c SHA256SUMS 2>&1); then
  printf '%s\n' "$checked" >&2
  fail "files in $directory are not those that netboot wrote: copy the directory again"
fi
if [ -f kexec ]; then
  kexec=$directory/kexec
else
  kexec=$(command -v kexec) || fail 'there is no program kexec: install the package kexec-tools'
fi
"$kexec" --version > /dev/null || fail "$kexec does not run on this machine"
case $(cat /proc/sys/kernel/kexec_load_disabled 2> /dev/null || :) in
  1) fail 'this system forbids kexec until it is restarted (kernel.kexec_load_disabled is 1)' ;;
esac

command_line=$(cat cmdline)
if [ "$tells_card" = yes ]; then
  if [ -z "$card" ]; then
    while read -r interface destination _; do
      if [ "$destination" = 00000000 ]; then
        card=$interface
        break
      fi
    done < /proc/net/route
    [ -n "$card" ] || fail 'there is no default route over IPv4: name the network card with --card'
  fi
  case $card in
    */* | .*) fail "there is no network card $card" ;;
  esac
  [ -f "/sys/class/net/$card/address" ] || fail "there is no network card $card"
  address=$(tr : - < "/sys/class/net/$card/address")
  case $address in
    *[!0-9a-f-]*) fail "the address of the network card $card is not one of Ethernet" ;;
    ??-??-??-??-??-??) ;;
    *) fail "the address of the network card $card is not one of Ethernet" ;;
  esac
  command_line="BOOTIF=01-$address $command_line"
elif [ -n "$card" ]; then
  fail 'the option --card has no effect: the image asks for no card'
fi

# shellcheck disable=SC2086 # The flags are words of their own.
"$kexec" --load $flags --initrd=initrd --command-line="$command_line" "$kernel" ||
  fail 'the kernel was not loaded; dmesg may tell the reason. If Secure Boot is on, try
--kexec-extra-flags --kexec-file-syscall, which needs a kernel with a signature'

if [ "$load_only" = yes ]; then
  echo "$profile is loaded; to start it, run systemctl kexec, or kexec -e without systemd"
  exit
fi

start() {
  # The session over SSH that runs the script may end before.
  trap '' HUP
  sleep 3
  if [ -d /run/systemd/system ] && command -v systemctl > /dev/null; then
    exec systemctl kexec
  fi
  sync
  # shellcheck disable=SC2086 # The flags are words of their own.
  exec "$kexec" $flags -e
}

# nixos-anywhere looks for the words before the colon.
echo "the machine will boot into nixos: $profile starts in 3 seconds"
log=/dev/null
[ ! -w /dev/kmsg ] || log=/dev/kmsg
# In the background, so that a session over SSH ends before the network does.
start < /dev/null > "$log" 2>&1 &
