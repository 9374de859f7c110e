# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# Common code of the tests of the program. Sourced, with the tests as functions; then: run_tests
# NAME...

here=$(cd "$(dirname "$0")" && pwd)
export PATH="$here:$PATH"
export TERMINFO_DIRS="$here/terminfo:/lib/terminfo:/usr/share/terminfo" LOCPATH="$here/locale" LC_ALL=C.UTF-8
export PYTHONHOME="$here/python" PYTHONDONTWRITEBYTECODE=1
work=$(mktemp -d /tmp/ipcshm-tool.XXXXXX) || exit 1
cd "$work" || exit 1

# fail TEXT: print the reason, and fail
fail() { echo "# $*"; return 1; }

# status WANTED COMMAND...: ends with that status; its output is in the files out and err
status()
{
	wanted=$1
	shift
	"$@" >out 2>err </dev/null
	got=$?
	[ $got = "$wanted" ] || fail "$*: status $got and not $wanted: $(cat err)"
}

# prints TEXT: the last status() had it in its output, or in its standard error
prints() { grep -qsF -- "$1" out err || fail "not printed: $1; but: $(cat out err 2>/dev/null)"; }

# json COMMAND ARGUMENT...: the output of the command agrees with the schema
json()
{
	lines=
	case $1 in recv|monitor) lines=--lines;; esac
	ipcshm "$@" --json >json.out || fail "$*: status $?" || return
	"$here/python/bin/python3" "$here/check-json" "$1" $lines <json.out || fail "ipcshm $*: not by the schema"
}

now() { cut -d. -f1 /proc/uptime; }

# until_true COMMAND...: within 30 seconds
until_true()
{
	latest=$(($(now) + 30))
	until "$@" 2>/dev/null; do
		[ "$(now)" -le $latest ] || fail "never true: $*" || return
		usleep 50000 2>/dev/null || sleep 0.05
	done
}

# terminal COMMAND: run it in a terminal of 120 columns and 30 rows, in a shell that prints "ended
# STATUS"
terminal()
{
	tmux -f /dev/null -L ipcshm kill-server 2>/dev/null
	tmux -f /dev/null -L ipcshm new-session -d -s test -x 120 -y 30 "TERM=screen; $1; echo ended \$?; sleep 1000"
}

screen() { tmux -L ipcshm capture-pane -p -t test; }
keys() { tmux -L ipcshm send-keys -t test "$@"; }
shows() { screen | grep -q -- "$1"; }

# Remove the leftovers of a test.
clean()
{
	tmux -L ipcshm kill-server 2>/dev/null
	[ ! -e pids ] || xargs kill -9 <pids 2>/dev/null
	rm -f pids pipe
	ipcshm list --names 2>/dev/null | xargs -r ipcshm rm 2>/dev/null
	ipcshm list --columns kind,id | sed -n 's/^\([a-z]*\) *\([0-9]*\)$/id\/\2/p' | xargs -r ipcshm rm 2>/dev/null
}

# background COMMAND...: until the test is over
background()
{
	"$@" &
	echo $! >>pids
}

run_tests()
{
	test_number=0 failures=0
	echo "TAP version 13"
	echo "1..$#"
	for test_name; do
		test_number=$((test_number + 1))
		if "$test_name"; then
			echo "ok $test_number $test_name"
		else
			echo "not ok $test_number $test_name"
			failures=$((failures + 1))
		fi
		clean >/dev/null 2>&1
	done
	cd /
	rm -rf "$work"
	[ $failures = 0 ]
}
