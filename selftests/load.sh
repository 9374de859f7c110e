#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# usage: load MODULE
#
# A kernel with unexpected shared memory refuses the module: insmod fails with "Operation not
# supported", the kernel's log names the difference in one line, and nothing is left behind. MODULE is a build with
# IPCSHM_FAULTS=y, which behaves as on such a kernel (kernel/shmem.c).

module=${1:-$(dirname "$0")/ipcshm-faults.ko}
differences="mmap get_unmapped_area llseek read_iter write_iter splice_read fallocate fault seals"
number=0 failures=0

complaints() { dmesg | grep -c 'ipcshm: this kernel is not supported'; }

# refuses DIFFERENCE: the module is not loaded, for that reason
refuses()
{
	before=$(complaints)
	if error=$(insmod "$module" without="$1" 2>&1); then
		echo "# the module was loaded"
		rmmod ipcshm
		return 1
	fi
	case $error in
	*"not supported"*)	;;
	*)	echo "# insmod: $error"; return 1;;
	esac
	# The insmod of busybox tries two system calls.
	new=$(($(complaints) - before))
	[ $new = 1 ] || [ $new = 2 ] || { echo "# $new lines in the log"; return 1; }
	[ "$(dmesg | tail -n $new | grep -c "shmem .*$1")" = $new ] || { echo "# $(dmesg | tail -n $new)"; return 1; }
	[ ! -e /dev/ipcshm ] && [ ! -d /sys/module/ipcshm ] || { echo "# something is left"; return 1; }
}

# A module without a difference loads.
loads() { insmod "$module" && [ -e /dev/ipcshm ] && rmmod ipcshm; }

result()
{
	number=$((number + 1))
	if "$@"; then
		echo "ok $number $*"
	else
		echo "not ok $number $*"
		failures=$((failures + 1))
	fi
}

echo "TAP version 13"
# shellcheck disable=SC2086
set -- $differences
echo "1..$(($# + 1))"
[ ! -d /sys/module/ipcshm ] || rmmod ipcshm
for difference; do
	result refuses "$difference"
done
result loads
insmod /ipcshm.ko 2>/dev/null
echo "# Totals: pass:$((number - failures)) fail:$failures xfail:0 xpass:0 skip:0 error:0"
[ $failures = 0 ]
