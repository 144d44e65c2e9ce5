# Reports the stage `init` to the URL in the kernel parameter `netboot.report`. It always succeeds,
# because a lost report must not prevent an installation. The machine identifies itself by the
# addresses of its network cards.
# Tests set `CMDLINE` to another file than the kernel's command line, and `CARDS` to other cards.

# No pathname expansion: the URL has a question mark.
set -f
report=
for parameter in $(cat "${CMDLINE:-/proc/cmdline}"); do
  # A parameter with spaces has quotation marks. A URL has no spaces, but may have the marks.
  parameter=${parameter#\"}
  case $parameter in
    netboot.report=*) report=${parameter#netboot.report=} report=${report#\"} report=${report%\"} ;;
  esac
done

query=stage=init
cards=${CARDS:-/sys/class/net}
for card in $(ls "$cards"); do
  # Bridges, tunnels and the loopback have no device.
  if [ -e "$cards/$card/device" ] && [ -r "$cards/$card/address" ]; then
    query="$query&mac=$(cat "$cards/$card/address")"
  fi
done

case $report in
  '') echo "no report: the kernel parameter netboot.report is not set"; exit 0 ;;
  *\?*) report="$report&$query" ;;
  *) report="$report?$query" ;;
esac

# --globoff: brackets and braces in a URL are literal.
if curl --silent --show-error --fail --globoff --output /dev/null \
  --proto =http,https --connect-timeout 5 --max-time 10 \
  --retry "${RETRIES:-10}" --retry-connrefused --retry-max-time 120 -- "$report"; then
  echo "reported to $report"
else
  echo "could not report to $report; the system continues without the report" >&2
fi
