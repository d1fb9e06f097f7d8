# SPDX-License-Identifier: Apache-2.0
# Sourced by the set-up scripts: Debian packages, also from other suites than
# the machine's own, without changing the machine's apt configuration.
#
# Everything that is downloaded or built goes to $ATLAS_CACHE, which survives
# the checkout and can be deleted at any time.

ATLAS_CACHE=${ATLAS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/atlas}
mkdir -p "$ATLAS_CACHE"

say() { printf '\033[1m[%s]\033[0m %s\n' "${ATLAS_SAY:-setup}" "$*" >&2; }
die() { printf '\033[31m[%s] %s\033[0m\n' "${ATLAS_SAY:-setup}" "$*" >&2; exit 1; }

need_root() {
	[ "$(id -u)" -eq 0 ] || die "$1 needs root: run it with sudo"
}

# with_lock NAME COMMAND…: one set-up step at a time, also across processes
with_lock() {
	local name=$1
	shift
	(
		flock 9
		"$@"
	) 9>"$ATLAS_CACHE/.$name.lock"
}

# The archive of this machine: the URI of its own Debian sources.
_debian_uri() {
	local uri
	uri=$(cat /etc/apt/sources.list.d/*.sources 2>/dev/null |
		awk '/^URIs:/ && !/security/ && !n++ {print $2}')
	[ -n "$uri" ] || uri=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
		awk '$1 == "deb" {for (i = 2; i <= NF; i++) if ($i ~ /^[a-z]+:\/\// && $i !~ /security/ && !n++) print $i}')
	[ -n "$uri" ] || die "no Debian archive found in the apt configuration of this machine"
	echo "$uri"
}

# suite_options SUITE: apt options that add SUITE (binaries and sources) to
# the machine's own suites, with package lists of its own in the cache.
# "own" stands for the machine's suites with their sources added.
suite_options() {
	local suite=$1 dir=$ATLAS_CACHE/apt/$1 uri
	mkdir -p "$dir/lists/partial" "$dir/parts"
	uri=$(_debian_uri)
	local options="-o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts=$dir/parts
		-o Dir::State::Lists=$dir/lists -o Acquire::Check-Valid-Until=false
		-o Acquire::Check-Date=false -o APT::Sandbox::User=root"
	# Callers hold locks of their own, not one that all of them have.
	with_lock "lists-$suite" _read_lists || exit 1
	echo $options
}

# For suite_options, whose variables it uses: the package lists, twice a day
_read_lists() {
	local stamp=$dir/updated
	[ ! -e "$stamp" ] || [ -n "$(find "$stamp" -mmin +720)" ] || return 0
	rm -f "$dir/parts"/*
	cp /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list "$dir/parts/" 2>/dev/null || true
	[ ! -s /etc/apt/sources.list ] || cp /etc/apt/sources.list "$dir/parts/machine.list"
	if [ "$suite" = own ]; then
		sed -i 's/^Types: deb$/Types: deb deb-src/' "$dir/parts"/*.sources 2>/dev/null || true
		sed -i -n '/^deb /{p;s/^deb /deb-src /p}' "$dir/parts"/*.list 2>/dev/null || true
	else
		printf 'Types: deb deb-src\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' \
			"$uri" "$suite" /usr/share/keyrings/debian-archive-keyring.gpg >"$dir/parts/atlas-$suite.sources"
	fi
	say "reading the package lists of ${suite}" >&2
	# shellcheck disable=SC2086
	apt-get -qq $options update >&2 || die "apt-get update failed for suite $suite"
	touch "$stamp"
}

# install_packages [SUITE:]PACKAGE…: install what is missing, and say so
install_packages() {
	local missing=() spec package suite
	for spec in "$@"; do
		package=${spec##*:}
		dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$spec")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	need_root "installing ${missing[*]}"
	with_lock apt _install_missing "${missing[@]}"
}

_install_missing() {
	local spec package suite options
	say "installing Debian packages: $*"
	for spec in "$@"; do
		package=${spec##*:}
		suite=own
		[ "$spec" = "$package" ] || suite=${spec%%:*}
		options=$(suite_options "$suite") || exit 1
		[ "$suite" = own ] || options="$options -t $suite"
		# shellcheck disable=SC2086
		DEBIAN_FRONTEND=noninteractive apt-get -qq -y $options install --no-install-recommends "$package" >"$ATLAS_CACHE/apt/install.log" 2>&1 ||
			{ tail -n 20 "$ATLAS_CACHE/apt/install.log" >&2; die "could not install $package from $suite"; }
	done
}

# download_packages SUITE DIRECTORY PACKAGE…: fetch .deb files, keep the ones that are there
download_packages() {
	local suite=$1 directory=$2 options
	shift 2
	mkdir -p "$directory"
	options=$(suite_options "$suite") || exit 1
	# shellcheck disable=SC2086
	(cd "$directory" && apt-get -qq $options download "$@" >&2) || die "could not download $* from $suite"
}

# download_source SUITE DIRECTORY PACKAGE: fetch a source package, of the newest
# version that the archive still has
download_source() {
	local suite=$1 directory=$2 package=$3 options version
	mkdir -p "$directory"
	options=$(suite_options "$suite") || exit 1
	# shellcheck disable=SC2086
	for version in $(apt-cache $options showsrc "$package" | awk '/^Version:/ {print $2}' | sort -V -r -u); do
		(cd "$directory" && apt-get -qq $options source --download-only "$package=$version" >&2) && return
		say "$package $version is listed but not there"
	done
	die "could not download the source of $package from $suite"
}

# cached_source SUITE DIRECTORY PACKAGE: the same, once
cached_source() {
	with_lock "source-$3" _source_if_absent "$@"
}

_source_if_absent() {
	[ -z "$(ls "$2/$3"_*.dsc 2>/dev/null)" ] || return 0
	say "fetching the source of Debian's $3"
	download_source "$@"
}
