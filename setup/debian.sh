# SPDX-License-Identifier: Apache-2.0
# Sourced by the set-up scripts: Debian packages, also from other suites than
# the machine's own, without changing the machine's apt configuration.
#
# Everything that is downloaded or built goes to $ATLAS_CACHE, which survives
# the checkout and can be deleted at any time.

ATLAS_CACHE=${ATLAS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/atlas}

# What tools print is read, files are for others too, and some tools are an administrator's.
export LC_ALL=C.UTF-8
umask 022
PATH=$PATH:/usr/sbin:/sbin

say() { printf '\033[1m[%s]\033[0m %s\n' "${ATLAS_SAY:-setup}" "$*" >&2; }
die() { printf '\033[31m[%s] %s\033[0m\n' "${ATLAS_SAY:-setup}" "$*" >&2; exit 1; }

_setup=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
case $_setup$ATLAS_CACHE in
*[[:space:]]*) die "neither the path of the project ($(dirname "$_setup")) nor that of its cache ($ATLAS_CACHE) may have spaces: programs that build it do not take them" ;;
esac
mkdir -p "$ATLAS_CACHE"

need_root() {
	[ "$(id -u)" -eq 0 ] || die "$1 needs root: run it with sudo"
}

# with_lock NAME COMMAND…: one set-up step at a time, also across processes
with_lock() {
	local name=$1
	shift
	(
		flock -n 9 || { say "waiting for another run ($name)"; flock 9; }
		"$@"
	) 9>"$ATLAS_CACHE/.$name.lock"
}

# debian_sources [DIRECTORY]: the stanzas (sources.list(5)) of Debian's own archive
# in the apt configuration of this machine; other archives are not asked
# shellcheck disable=SC2120 # a directory is what tests name
debian_sources() {
	local directory=${1:-/etc/apt} codename file files=() stanzas
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	for file in "$directory"/sources.list "$directory"/sources.list.d/*.list "$directory"/sources.list.d/*.sources; do
		[ ! -e "$file" ] || files+=("$file")
	done
	stanzas=$(awk -v codename="$codename" -f "$_setup/debian-sources.awk" /dev/null "${files[@]}")
	[ -n "$stanzas" ] ||
		die "$directory names no archive of Debian's ${codename:-own}: add one (\"deb URI ${codename:-SUITE} main\" in $directory/sources.list)"
	printf '%s\n' "$stanzas"
}

# The archive of this machine, from which other suites come as well.
_debian_uri() {
	debian_sources | awk '/^URIs:/ {uri = $2} /^Suites:/ && !/-security/ && !n++ {print uri}'
}

# suite_options SUITE: apt options that add SUITE (binaries and sources) to
# the machine's own suites, with package lists of its own in the cache.
# "own" stands for the machine's suites with their sources added.
suite_options() {
	local suite=$1 dir=$ATLAS_CACHE/apt/$1
	mkdir -p "$dir/lists/partial" "$dir/parts"
	local options="-o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts=$dir/parts
		-o Dir::State::Lists=$dir/lists -o Acquire::Check-Valid-Until=false
		-o Acquire::Check-Date=false -o Acquire::Retries=3 -o APT::Update::Error-Mode=any
		-o APT::Sandbox::User=root -o DPkg::Lock::Timeout=600"
	# Callers hold locks of their own, not one that all of them have.
	with_lock "lists-$suite" _read_lists || exit 1
	echo $options
}

# For suite_options, whose variables it uses: the package lists, twice a day, and
# when the machine is told of other archives
_read_lists() {
	local stamp=$dir/updated sources uri
	[ ! -e "$stamp" ] || [ -n "$(find "$stamp" -mmin +720)" ] ||
		[ -n "$(find /etc/apt/sources.list /etc/apt/sources.list.d -newer "$stamp" 2>/dev/null)" ] || return 0
	sources=$(debian_sources) || exit 1
	rm -f "$dir/parts"/*
	if [ "$suite" = own ]; then
		printf '%s\n' "${sources//Types: deb/Types: deb deb-src}" >"$dir/parts/debian.sources"
	else
		uri=$(_debian_uri) || exit 1
		printf '%s\n' "$sources" >"$dir/parts/debian.sources"
		printf 'Types: deb deb-src\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' \
			"$uri" "$suite" /usr/share/keyrings/debian-archive-keyring.gpg >"$dir/parts/atlas-$suite.sources"
	fi
	say "reading the package lists of ${suite}" >&2
	# shellcheck disable=SC2086
	apt-get -qq $options update >&2 ||
		die "apt-get update failed for suite $suite: look at the network and at the archives in /etc/apt, and try again"
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
	local suite=$1 directory=$2 package=$3 options version aside=$2/aside
	options=$(suite_options "$suite") || exit 1
	# Where it is looked for it is whole.
	rm -rf "$aside"
	mkdir -p "$aside"
	# shellcheck disable=SC2086
	for version in $(apt-cache $options showsrc "$package" | awk '/^Version:/ {print $2}' | sort -V -r -u); do
		if (cd "$aside" && apt-get -qq $options source --download-only "$package=$version" >&2); then
			rm -f "$directory/$package"_*.dsc
			mv -f "$aside"/* "$directory"
			rmdir "$aside"
			return
		fi
		say "$package $version is listed but not there"
	done
	rm -rf "$aside"
	die "could not download the source of $package from $suite"
}

# cached_source SUITE DIRECTORY PACKAGE: the same, once
cached_source() {
	with_lock "source-$3" _source_if_absent "$@"
}

_source_if_absent() {
	! _source_is_whole "$2" "$3" || return 0
	say "fetching the source of Debian's $3"
	download_source "$@"
}

# _source_is_whole DIRECTORY PACKAGE: whether its files are those that its description names
_source_is_whole() {
	(cd "$1" 2>/dev/null && ls "$2"_*.dsc >/dev/null 2>&1 &&
		awk '/^[^ ]/ {on = /^Checksums-Sha256:/; next} on && NF == 3 {print $1 "  " $3}' "$2"_*.dsc |
		sha256sum --check --status)
}
