# SPDX-License-Identifier: Apache-2.0
#
# redis-bus.tcl TREE PORT gossip|hostname: sends a malformed packet to the bus of
# a Redis server in cluster mode: that of tests/unit/cluster/packet.tcl, which
# tells of messages that are not there, or the same with an extension more, a
# host name without its end.
lassign $argv tree port kind
proc start_cluster {args} {}
source $tree/tests/unit/cluster/packet.tcl

set header 2256
set packet [create_cluster_meet_packet [string repeat a 40] $port [expr {$port + 10000}]]
if {$kind eq "hostname"} {
    # A ping, no messages, one extension, all of which has 40 bytes.
    set packet [string replace $packet 12 15 [binary format SS 0 0]]
    set packet [string replace $packet 2214 2215 [binary format S 1]]
    set packet [string range $packet 0 [expr {$header - 1}]]
    append packet [binary format ISS 40 0 0] [string repeat A 32]
    set packet [string replace $packet 4 7 [binary format I [string length $packet]]]
}
set bus [socket 127.0.0.1 [expr {$port + 10000}]]
fconfigure $bus -translation binary
puts -nonewline $bus $packet
flush $bus
# Whatever comes of it, not before it was read.
after 1000
close $bus
