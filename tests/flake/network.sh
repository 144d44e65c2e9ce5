# What udhcpc calls with what the DHCP server gave.

case $1 in
  deconfig) ip link set "$interface" up ;;
  bound | renew)
    ip address add "$ip/$mask" dev "$interface"
    [ -z "$router" ] || ip route add default via "${router%% *}" dev "$interface"
    ;;
esac
