# SPDX-License-Identifier: Apache-2.0
# Sourced by the scripts beside it: addresses, names and state of the one test
# cluster that a machine can have.
#
#   host ── atlas-host (10.77.0.254) ──┐
#                                      │ bridge atlas0 (10.77.0.1), in the network
#   node-N (10.77.0.1N) ── tap ────────┘ namespace atlas-cluster: etcd, API server,
#     └─ pods 10.78.N.0/24               controller manager, scheduler, QEMU
#   host-node-N (10.77.0.2N) ── veth ──┘ (namespaces of their own)
#     └─ pods 10.78.1N.0/24
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
. "$root/setup/debian.sh"

namespace=atlas-cluster
bridge=atlas0
host_link=atlas-host
control_address=10.77.0.1
host_address=10.77.0.254
prefix_length=24
pod_cidr=10.78.0.0/16
service_cidr=10.96.0.0/16
service_address=10.96.0.1
api_server=https://$control_address:6443
# Where the running cluster keeps its state; exists only while there is one.
current=/run/$namespace

in_namespace() { nsenter --net="/run/netns/$namespace" -- "$@"; }

# launch NAME NICENESS COMMAND…: a program in the namespace that outlives this
# script. Where the kernel shares processors between sessions and not between
# programs, the session has the niceness.
launch() {
	local name=$1 niceness=$2
	shift 2
	# shellcheck disable=SC2016
	nsenter --net="/run/netns/$namespace" -- setsid nice -n "$niceness" sh -c \
		'echo "$0" 2>/dev/null >/proc/self/autogroup || true; exec "$@"' "$niceness" "$@" \
		>"$state/log/$name.log" 2>&1 </dev/null 8>&- &
	echo $! >"$state/run/$name.pid"
	until running "$name" || ! kill -0 $! 2>/dev/null; do sleep 0.05; done
}

# running NAME: whether that program, and not another with its pid, runs
running() {
	local pid
	pid=$(cat "$current/run/$1.pid" 2>/dev/null) || return 1
	[ "$(stat -Lc %i "/proc/$pid/ns/net" 2>/dev/null)" = "$(stat -Lc %i "/run/netns/$namespace" 2>/dev/null)" ]
}

# wait_for SECONDS WHAT COMMAND…: until COMMAND succeeds
wait_for() {
	local seconds=$1 what=$2 end=$((SECONDS + $1))
	shift 2
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || die "$what: not within $seconds s (logs: $state/log)"
		sleep 0.2
	done
}

# control_group_parents: the directories of this machine in which nodes on it have
# their control groups, one for each hierarchy that has controllers
control_group_parents() {
	awk '$2 !~ "^/sys/fs/cgroup(/|$)" {next}
		$3 == "cgroup" {print $2; old = 1}
		$3 == "cgroup2" {new = $2}
		END {if (!old && new) print new}' /proc/mounts
}

# remove_control_group NAME: ends what runs in it and takes it away. All that a node on
# this machine has hangs on its processes: namespaces, with them mounts, with them disks.
remove_control_group() {
	local parent group left end=$((SECONDS + 20))
	while true; do
		left=
		for parent in $(control_group_parents); do
			for group in "$parent"/$1; do
				[ -d "$group" ] || continue
				left=$group
				# 0 is one that is in no namespace of processes of ours.
				find "$group" -name cgroup.procs -exec cat {} + 2>/dev/null | grep -vx 0 | xargs -r kill -KILL 2>/dev/null || true
				find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true
			done
		done
		[ -n "$left" ] || return 0
		[ $SECONDS -lt $end ] || die "the control group $left can not be removed"
		sleep 0.1
	done
}

# require_cluster: sets state to that of the running cluster
require_cluster() {
	[ -e "$current" ] && running kube-apiserver || die "no cluster runs: start one with e2e/cluster/control-plane start"
	state=$(readlink -f "$current")
	kubectl=$(dirname "$(readlink -f "$state/kubectl")")/kubectl
	export KUBECONFIG=$state/admin.kubeconfig
}

# since START: seconds since START, a value of `date +%s%N`
since() { awk -v ns=$(($(date +%s%N) - $1)) 'BEGIN {printf "%.1f", ns / 1e9}'; }
