#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# usage: tracers [TEST]...
#
# The tracepoints by the programs that people look at them with: perf, trace-cmd and bpftrace see all of them, with their
# fields, and the commands in Documentation/tracepoints.rst do what it says.
# shellcheck source=tools/ipcshm/tests/vm/tap.sh
. "$(dirname "$0")/tap.sh"
unset PYTHONHOME

# The names in the document, one a line.
documented() { grep -o '``ipcshm_[a-z_]*``' "$here/tracepoints.rst" | tr -d '`' | sort -u; }

# Something of each kind, until the test is over.
traffic()
{
	ipcshm create queue jobs && ipcshm create region cam0 || return
	# shellcheck disable=SC2016
	background sh -c 'while :; do ipcshm send jobs hello; ipcshm recv jobs; actor die cam0; done >/dev/null 2>&1'
}

# run PROGRAM: its commands in the document, one after the other; what doesn't end by itself is interrupted
run()
{
	sed -n "s/^    # \($1 .*\)/\1/p" "$here/tracepoints.rst" >commands
	[ -s commands ] || fail "no example of $1" || return
	: >out
	while read -r line; do
		echo "# $line"
		timeout -s INT 20 sh -c "exec $line" >>out 2>&1 </dev/null || [ $? = 130 ] || [ $? = 124 ] ||
			fail "status $?: $(tail -n 3 out)" || return
	done <commands
}

# seen COMMAND...: it lists the tracepoints that are documented
seen()
{
	documented >names
	[ "$(wc -l <names)" -ge 17 ] || fail "$(cat names)" || return
	"$@" 2>/dev/null | grep -o 'ipcshm:ipcshm_[a-z_]*' | sed 's/.*://' | sort -u | diff names - || fail "$*"
}

perf_sees_them() { seen perf list 'ipcshm:*'; }
trace_cmd_sees_them() { seen trace-cmd list -e ipcshm; }
bpftrace_sees_them() { seen bpftrace -l 'tracepoint:ipcshm:*'; }

every_field_is_documented()
{
	bpftrace -lv 'tracepoint:ipcshm:*' >fields 2>&1 && [ "$(grep -c '^    ' fields)" -ge 60 ] || fail "$(cat fields)" || return
	for field in $(sed -n 's/^    .* \([a-z_]*\);\{0,1\}$/\1/p' fields | sort -u); do
		grep -q "^\`\`$field\`\` " "$here/tracepoints.rst" || fail "$field isn't documented" || return
	done
}

perf_does_what_is_documented()
{
	traffic && run perf && says "ipcshm:ipcshm_send: id=" && says "ipcshm:ipcshm_death: id=" || return
	grep -q '[1-9][0-9]* *ipcshm:ipcshm_send *$' out && grep -q 'ipcshm:ipcshm_open(id: [0-9]*, kind: [12], name: "' out ||
		fail "$(cat out)"
}

trace_cmd_does_what_is_documented()
{
	traffic && run trace-cmd && grep -q 'actor-[0-9]* .* ipcshm_death: *id=[0-9]* token=0x[0-9a-f]* members=0' out ||
		fail "$(cat out)"
}

bpftrace_does_what_is_documented()
{
	traffic && run bpftrace && grep -q '^@messages\[[0-9]*, ipcshm\]: [1-9]' out && grep -q '^\[4, 8) *[1-9].*@' out &&
		grep -q '^actor ([0-9]*) died, 0 members are left of region [0-9]*$' out || fail "$(cat out)"
}

[ $# -gt 0 ] || set -- perf_sees_them trace_cmd_sees_them bpftrace_sees_them every_field_is_documented \
	perf_does_what_is_documented trace_cmd_does_what_is_documented bpftrace_does_what_is_documented
run_tests "$@"
