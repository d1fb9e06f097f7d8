# SPDX-License-Identifier: Apache-2.0
# Sourced by the scripts that make one image each: they print the archive's path.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/.." && pwd)
. "$root/setup/debian.sh"
images=$ATLAS_CACHE/images
mkdir -p "$images"
# What the chart asks for where its values name no other.
version=$(sed -n 's/^appVersion: //p' "$root/helm/atlas-for-kubernetes/Chart.yaml")

# libraries_of PROGRAM…: the shared libraries that they need, and their loader
libraries_of() {
	ldd "$@" 2>/dev/null | awk '$2 == "=>" && $3 ~ /^\// {print $3} $1 ~ /^\/.*ld-linux/ {print $1}' | sort -u
}

# with_libraries DIRECTORY PROGRAM…: copies the shared libraries that the
# programs need, and their loader, to where the loader looks for them
with_libraries() {
	local directory=$1 library
	shift
	libraries_of "$@" | while read -r library; do
		# Those that the directory has already are found beside their users.
		[[ $library == "$directory"/* ]] || install -D -m 755 "$library" "$directory/$library"
	done
}

# with_shell DIRECTORY: a shell and the usual small tools, for kubectl exec
with_shell() {
	local directory=$1 applet
	mkdir -p "$directory"/{bin,etc,tmp,proc,sys,dev,run,root,var/log}
	chmod 1777 "$directory/tmp"
	cp /bin/busybox "$directory/bin/busybox"
	for applet in $(/bin/busybox --list); do
		[ "$applet" = busybox ] || ln -sf busybox "$directory/bin/$applet"
	done
	echo root:x:0:0:root:/root:/bin/sh >"$directory/etc/passwd"
	echo root:x:0: >"$directory/etc/group"
}
