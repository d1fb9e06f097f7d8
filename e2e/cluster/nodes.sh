# SPDX-License-Identifier: Apache-2.0
# Sourced by the scripts of nodes, emulated or on this machine, with their kind
# set: what all nodes have in common. Takes --number off the script's arguments.
. "$here/certificates.sh"

number=1
if [ "${1:-}" = --number ]; then
	number=${2:?--number needs a number}
	shift 2
fi
[[ $number =~ ^[1-9]$ ]] || die "node 1 to 9, not '$number'"
# The last part of the address of number 0; and whether the kubelet may not protect
# programs from being killed for want of memory.
case $kind in
node) first=10 oom_scores_restricted=false ;;
host-node) first=20 oom_scores_restricted=true ;;
esac
name=$kind-$number
group=atlas-$name # of control groups, for nodes on this machine
address=10.77.0.$((first + number))
pods=10.78.$((first - 10 + number)).0/24
link=${kind//-/}$number
command="e2e/cluster/$kind --number $number"

# What makes a machine that node of that cluster: unpacked over its root.
make_identity() {
	local files=$here/node-files identity=$state/$name/identity
	rm -rf "$identity"
	mkdir -p "$identity"/etc/{kubernetes,containerd,cni/net.d,dropbear} "$identity"/root/.ssh
	printf 'name=%s\naddress=%s\nprefix_length=%s\ngateway=%s\n' \
		$name $address $prefix_length $control_address >"$identity/etc/node"
	echo "127.0.0.1 localhost $name" >"$identity/etc/hosts"
	: >"$identity/etc/resolv.conf"
	certificate kubelet ca /O=system:nodes/CN=system:node:$name "IP:$address,DNS:$name"
	kubeconfig kubelet
	cp "$files"/{begin,inittab} "$identity/etc/"
	sed "s|OOM-SCORES-RESTRICTED|$oom_scores_restricted|" "$files/containerd.toml" >"$identity/etc/containerd/config.toml"
	sed "s|POD-NETWORK|$pods|" "$files/network.conflist" >"$identity/etc/cni/net.d/10-pods.conflist"
	cp "$files"/{kubelet,proxy}.yaml "$state"/{kubelet,proxy}.kubeconfig \
		"$state"/pki/{ca.crt,kubelet.crt,kubelet.key} "$identity/etc/kubernetes/"
	echo $address >"$identity/etc/kubernetes/address"
	ssh-keygen -q -t ed25519 -N '' -C '' -f "$state/$name/client-key"
	ssh-keygen -q -t ed25519 -m PEM -N '' -C '' -f "$state/$name/host-key"
	cp "$state/$name/client-key.pub" "$identity/root/.ssh/authorized_keys"
	chmod -R go= "$identity/root"
	echo "$address $(cat "$state/$name/host-key.pub")" >"$state/$name/known-hosts"
	cp "$state/$name/host-key" "$identity/etc/dropbear/key-openssh"
	tar -c --owner=0 --group=0 -C "$identity" -f "$state/$name/identity.tar" .
	truncate -s %512 "$state/$name/identity.tar"
	chmod 600 "$state/$name/identity.tar"
	rm -rf "$identity"
}

# The control plane, and this machine by way of it, find the pods on the node.
route_to_pods() {
	in_namespace ip route add $pods via $address
	ip route add $pods via $address dev $host_link
}

forget_pods() {
	in_namespace ip route delete $pods 2>/dev/null || true
	ip route delete $pods 2>/dev/null || true
}

# What the kubelet says of itself.
is_ready() {
	[ "$("$kubectl" --request-timeout 5s get node $name \
		-o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}')" = True ]
}

# With its pods, which the cluster would take for running until it looks for such, a minute later.
leave_cluster() {
	"$kubectl" --request-timeout 20s delete node $name --ignore-not-found --wait=false >/dev/null
	"$kubectl" --request-timeout 20s delete pods --all-namespaces --field-selector spec.nodeName=$name \
		--force --grace-period 0 --wait=false >/dev/null 2>&1 || say "the pods of $name will go later"
}

secure_shell() {
	ssh -q -i "$state/$name/client-key" -o "UserKnownHostsFile=$state/$name/known-hosts" \
		-o BatchMode=yes -o ConnectTimeout=20 -o ServerAliveInterval=15 \
		-o "ControlPath=$current/$name/control" "$@"
}

# One connection for all commands: a handshake takes long under emulation.
connect() { secure_shell -M -N -f root@$address >/dev/null 2>&1 </dev/null; }

disconnect() { secure_shell -O exit $address 2>/dev/null || true; }

require_running() { running $name || die "$name does not run: start it with $command start"; }

run_on_node() {
	require_cluster
	require_running
	[ "${1:-}" != -- ] || shift
	[ $# -gt 0 ] || die "no command: $kind exec -- COMMAND…"
	secure_shell -o ControlMaster=no root@$address "$(printf '%q ' "$@")"
}

put() {
	local file=${1:?usage: put FILE PATH} path=${2:?usage: put FILE PATH}
	# A program that runs can not be written, but replaced.
	run_on_node -- sh -c "cat >\"\$0.new\" && chmod 755 \"\$0.new\" && mv \"\$0.new\" \"\$0\"" "$path" <"$file"
}
