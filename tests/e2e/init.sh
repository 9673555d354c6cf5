#!/usr/bin/env bash
# The first process of the node: sets up its namespaces as a machine, then adopts orphans.
# init.sh FOLDER ADDRESS/BITS SERVICES: files are written to FOLDER; FOLDER/ready appears when it is done.
set -euo pipefail
folder=$1 address=$2 services=$3

# A new sysfs shows this namespace's network; it hides the control groups, which all namespaces share.
mkdir -p "$folder"/{cgroup,var/{lib,log,tmp},sysctl}
mount --rbind /sys/fs/cgroup "$folder/cgroup"
mount -t sysfs sysfs /sys
mount --rbind "$folder/cgroup" /sys/fs/cgroup
umount --lazy "$folder/cgroup"

# Virtual machines have no energy counter: this is a processor's, /sys/class as ever otherwise. Interfaces
# come and go, so their folder is the kernel's own, not one that a layer above remembers.
counter=$folder/class/powercap/intel-rapl:0
mkdir -p "$counter" "$folder/net"
echo package-0 >"$counter/name"
echo 1000000000 | install --mode=400 /dev/stdin "$counter/energy_uj"
echo 262143328850 >"$counter/max_energy_range_uj"
mount --bind /sys/class/net "$folder/net"
mount -t overlay -o "lowerdir=$folder/class:/sys/class" overlay /sys/class
mount --bind "$folder/net" /sys/class/net
umount "$folder/net"

# The kubelet insists on values that belong to the whole machine: it finds files that hold them.
for setting in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \
  kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
  name=${setting%=*} file=$folder/sysctl/${setting//[\/=]/-}
  echo "${setting#*=}" >"$file"
  mount --bind "$file" "/proc/sys/$name"
done

# Whatever daemons and pods write to the paths they are used to is the node's own.
mount -t tmpfs -o mode=755 tmpfs /run
mount --bind "$folder/var" /var
ln -s /run /var/run
mount --make-rshared / # what is mounted later reaches the pods that ask for it

hostname node1
ip link set lo up
ip link add cni0 type bridge
ip address add "$address" dev cni0
ip link set cni0 up
ip route add "$services" dev cni0 # host processes reach Services: routed first, then translated
echo 1 >/proc/sys/net/ipv4/ip_forward
[ ! -e /proc/sys/net/bridge ] || echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables
touch "$folder/ready"

sleep infinity &
wait
