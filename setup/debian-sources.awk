# SPDX-License-Identifier: Apache-2.0
# Reads the files in which apt is told of archives, of both forms (sources.list(5)),
# and prints a stanza for each entry that is Debian's own: its component main, its
# suite one of the release `codename`, signed by Debian's keys where it says by whose.
# "stable" is the name of suites of many others too, and of another release one day.

# Those of the suites that are the release's.
function own(suites,    list, count, i, result) {
	count = split(suites, list)
	for (i = 1; i <= count; i++)
		if (list[i] ~ "^" codename "(-updates|-security)?$")
			result = result " " list[i]
	return result
}

function entry(types, uris, suites, components, keys, trusted, enabled,    list, count, i, usable) {
	count = split(uris, list)
	for (i = 1; i <= count; i++)
		if (list[i] !~ /^cdrom:/)
			usable = usable " " list[i]
	suites = own(suites)
	if ((" " types " ") !~ / deb / || enabled ~ /^(no|false|0|off|without|disable)$/ ||
	    !usable || !suites || (" " components " ") !~ / main / ||
	    (keys && keys !~ /debian-archive/))
		return
	print "Types: deb"
	print "URIs:" usable
	print "Suites:" suites
	print "Components: main"
	print "Signed-By: " (keys ? keys : "/usr/share/keyrings/debian-archive-keyring.gpg")
	if (trusted)
		print "Trusted: " trusted
	print ""
}

function end_of_stanza() {
	if (stanza)
		entry(field["types"], field["uris"], field["suites"], field["components"], field["signed-by"],
		      field["trusted"], tolower(field["enabled"]))
	delete field
	stanza = 0
}

# A stanza does not go on in the next file.
FNR == 1 { end_of_stanza() }

{ sub(/\r$/, "") }

FILENAME ~ /\.sources$/ && /^#/ { next }

FILENAME ~ /\.sources$/ && /^[ \t]*$/ { end_of_stanza(); next }

FILENAME ~ /\.sources$/ {
	if (/^[ \t]/) {
		value = $0
	} else {
		name = tolower($0)
		sub(/[ \t]*:.*/, "", name)
		value = $0
		sub(/^[^:]*:/, "", value)
		stanza = 1
	}
	gsub(/[ \t]+/, " ", value)
	field[name] = field[name] value
	gsub(/^ | $/, "", field[name])
	next
}

/^[ \t]*deb[ \t]/ {
	sub(/#.*/, "")
	keys = trusted = ""
	if (match($0, /\[[^]]*\]/)) {
		count = split(substr($0, RSTART + 1, RLENGTH - 2), options)
		for (i = 1; i <= count; i++) {
			if (options[i] ~ /^signed-by=/)
				keys = substr(options[i], 11)
			if (options[i] ~ /^trusted=/)
				trusted = substr(options[i], 9)
		}
		sub(/\[[^]]*\]/, "")
	}
	components = ""
	for (i = 4; i <= NF; i++)
		components = components " " $i
	entry("deb", $2, $3, components, keys, trusted, "")
}

END { end_of_stanza() }
