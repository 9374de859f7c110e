# SPDX-License-Identifier: GPL-2.0-only
# Lines of a kernel log that mean a fault. Sourced by tools/vm/run.
# shellcheck shell=bash

# A data race is ours if our code is in the report; the kernel has others of its own.
without_foreign_races()
{
	awk '
	/BUG: KCSAN: / { race = 1; ours = 0; report = "" }
	!race { print; next }
	{ report = report $0 "\n" }
	/ipcshm/ { ours = 1 }
	/====================/ { race = 0; if (ours) printf "%s", report }
	END { if (race) printf "%s", report }
	' "$1"
}

# splats LOG: print the first complaint in it with the lines after it, and a count of the rest;
# nothing if clean
splats()
{
	without_foreign_races "$1" | awk '
	BEGIN {
		bad = "WARNING: |BUG: |BUG at |Oops: |Kernel panic|INFO: task .* blocked|INFO: rcu|rcu: INFO: |INFO: trying to register" \
		      "|possible (circular|recursive|irq lock inversion)|[Ii]nconsistent lock|lock held when returning" \
		      "|suspicious RCU|KASAN: |KCSAN: |UBSAN: |KFENCE: |KMSAN: |ODEBUG: |kmemleak: unreferenced" \
		      "|general protection fault|refcount_t: |[Uu]nable to handle|list_(add|del) corruption" \
		      "|scheduling while atomic|sleeping function called|[Ss]oft lockup|[Hh]ard LOCKUP|workqueue lockup" \
		      "|Bad page state|invalid opcode|double fault|stack guard page|kernel stack overflow|usercopy: Kernel memory"
	}
	$0 ~ bad {
		if (!n++)
			left = 60
		if (n == 1)
			sub(/^\[[^]]*\](\[[^]]*\])? /, "")
	}
	left > 0 {
		print
		left--
	}
	END {
		if (n > 1)
			print "(" n " lines like this in the log)"
	}'
}

# with_symbols MODULE TEXT: name the addresses in stdin that lie in the module, whose code began at
# TEXT
with_symbols()
{
	local line offset

	while IFS= read -r line; do
		if [ -n "$2" ] && [[ $line =~ ^\ *(0xffff[0-9a-f]+)$ ]]; then
			offset=$((BASH_REMATCH[1] - $2))
			((offset < 0 || offset >= 1 << 20)) || line+=" $(addr2line -f -s -j .text -e "$1" \
				"$(printf '%#x' $offset)" | paste -sd ' ') [ipcshm]"
		fi
		printf '%s\n' "$line"
	done
}
