# SPDX-License-Identifier: Apache-2.0
#
# redis.tcl TREE PORT UNIT NAME…: runs tests of Redis' own suite, as they are in
# its source, against a server that runs already. Succeeds only if each of the
# tests with these names was found and passed.
#
# The suite itself starts servers, and leaves out what needs one of its own where
# it is given one; here every block that has one of the tests gets this server.
set names [lassign $argv tree port unit]
set passed {}
set failed {}
set inside 0
set ::tls 0
set ::servers {}
cd $tree
foreach file {redis util test} {
    source tests/support/$file.tcl
}

proc connect {deferred} {
    set client [redis 127.0.0.1 $::port $deferred 0]
    $client select 9
    if {$deferred} { $client read }
    return $client
}

proc redis_client {args} { connect 0 }
proc redis_deferring_client {args} { connect 1 }
proc srv {args} { dict get [lindex $::servers end] [lindex $args end] }
proc r {args} { [srv client] {*}$args }
proc s {args} { status [srv client] [lindex $args end] }
proc tags {names code} { uplevel 1 $code }
# The log is not at hand.
proc verify_log_message {args} {}

# Whether a block has one of the tests.
proc wanted {code} {
    foreach name $::names {
        if {[string first $name $code] >= 0} { return 1 }
    }
    return 0
}

proc start_server {options {code undefined}} {
    if {!$::inside && ![wanted $code]} return
    lappend ::servers [dict create host 127.0.0.1 port $::port client [connect 0]]
    r flushall
    set saved {}
    if {[dict exists $options overrides]} {
        foreach {option value} [dict get $options overrides] {
            # Some are for the start only.
            catch {
                dict set saved $option [lindex [r config get $option] 1]
                r config set $option $value
            }
        }
    }
    set failed [catch {uplevel 1 $code} error]
    catch {
        dict for {option value} $saved { r config set $option $value }
        r close
    }
    set ::servers [lrange $::servers 0 end-1]
    if {$failed} { error $error }
}

proc test {name code {expected undefined} {tags {}}} {
    if {$name ni $::names} return
    set ::inside 1
    if {[catch {uplevel 1 $code} result]} {
        lappend ::failed $name
        puts "$name: $result"
    } elseif {$expected eq "undefined" || [string match $expected $result]} {
        lappend ::passed $name
    } else {
        lappend ::failed $name
        puts "$name: $result instead of $expected"
    }
    set ::inside 0
}

if {[catch {source tests/$unit.tcl} error]} { puts "$unit: $error" }
foreach name $names {
    if {$name ni $passed} { lappend failed $name }
}
puts "passed: $passed, failed: $failed"
exit [expr {[llength $failed] > 0}]
