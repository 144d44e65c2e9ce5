# Stage 2: starts the profile's services, checks that each answers, and reports on the console.

system=${0%/init}
profile=$(cat "$system/etc/profile")

echo "NETBOOT-PROFILE $profile"
echo "NETBOOT-GENERATION $(cat "$system/etc/generation")"
echo "NETBOOT-CMDLINE $(cat /proc/cmdline)"

ip link set lo up

port=8000
for service in "$system"/services/*; do
  [ -e "$service" ] || continue
  port=$((port + 1))
  "$service" "$port" &
done

# Succeeds if the service $1 answers at port $2 with its name within a few seconds.
answers() {
  attempt=0
  while [ "$attempt" -lt 50 ]; do
    [ "$(wget -q -O - "http://127.0.0.1:$2/" 2> /dev/null)" = "$1" ] && return 0
    attempt=$((attempt + 1))
    sleep 0.1
  done
  return 1
}

port=8000
answered=
for service in "$system"/services/*; do
  [ -e "$service" ] || continue
  port=$((port + 1))
  name=${service##*/}
  if answers "$name" "$port"; then
    answered="$answered $name "
    echo "NETBOOT-SERVICE $name ok"
  else
    echo "NETBOOT-SERVICE $name failed"
  fi
done

# Reports the stage `init` to the service at the URL in the kernel parameter netboot.report.
report() {
  # Stage 1 of closure boot has loaded the modules.
  if [ ! -e /sys/class/net/eth0 ]; then
    while read -r module; do insmod "$system/modules/$module.ko" || return 1; done \
      < "$system/modules/load-order"
  fi
  mkdir -p /etc
  udhcpc -i eth0 -n -q -s "$system/network" > /dev/null 2>&1 || return 1
  case $1 in
    *\?*) separator='&' ;;
    *) separator='?' ;;
  esac
  query="stage=init&profile=$profile&mac=$(cat /sys/class/net/eth0/address)"
  wget -q -O /dev/null "$1$separator$query"
}

for parameter in $(cat /proc/cmdline); do
  case $parameter in
    netboot.report=*)
      if report "${parameter#netboot.report=}"; then
        echo "NETBOOT-REPORTED init"
      else
        echo "NETBOOT-UNREPORTED init"
      fi
      ;;
  esac
done

missing=0
for name in $(cat "$system/etc/expected-services"); do
  case $answered in
    *" $name "*) ;;
    *)
      missing=1
      echo "NETBOOT-FAILED missing $name"
      ;;
  esac
done
[ "$missing" = 1 ] || echo "NETBOOT-READY $profile"

# Gives the serial port time to send the output.
sleep 0.5
poweroff -f
