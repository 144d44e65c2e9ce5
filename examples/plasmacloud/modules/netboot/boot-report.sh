# Reports the stage `init` to the URL in the kernel parameter `netboot.report`, and succeeds
# whatever comes of it: a report that is lost must not keep a machine from being installed. The
# machine says who it is by the addresses of its network cards.
# Tests name another file than the kernel's command line in `CMDLINE`, and other cards in `CARDS`.

# No pathname expansion: the URL has a question mark.
set -f
report=
for parameter in $(cat "${CMDLINE:-/proc/cmdline}"); do
  # A parameter with spaces is in quotation marks; a URL has none, but may be written so.
  parameter=${parameter#\"}
  case $parameter in
    netboot.report=*) report=${parameter#netboot.report=} report=${report#\"} report=${report%\"} ;;
  esac
done

query=stage=init
cards=${CARDS:-/sys/class/net}
for card in $(ls "$cards"); do
  # Bridges, tunnels and the loopback are no devices.
  if [ -e "$cards/$card/device" ] && [ -r "$cards/$card/address" ]; then
    query="$query&mac=$(cat "$cards/$card/address")"
  fi
done

case $report in
  '') echo "no kernel parameter netboot.report: there is nowhere to report to"; exit 0 ;;
  *\?*) report="$report&$query" ;;
  *) report="$report?$query" ;;
esac

# Brackets and braces in a URL are meant literally.
if curl --silent --show-error --fail --globoff --output /dev/null \
  --proto =http,https --connect-timeout 5 --max-time 10 \
  --retry "${RETRIES:-10}" --retry-connrefused --retry-max-time 120 -- "$report"; then
  echo "reported to $report"
else
  echo "no report reached $report; the system goes on without" >&2
fi
