# udhcpc calls this with the answer of the DHCP server.

case $1 in
  deconfig) ip link set "$interface" up ;;
  bound | renew)
    ip address add "$ip/$mask" dev "$interface"
    for server in $dns; do echo "nameserver $server"; done > /etc/resolv.conf
    [ -z "$router" ] || ip route add default via "${router%% *}" dev "$interface"
    ;;
esac
