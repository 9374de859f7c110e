#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# demo.sh [PROGRAMS [TEXTS]]
#
# The demos, each on the text files of the directory TEXTS, and each checked against
# programs that know nothing of ipcshm.  Needs no more than busybox.

programs=${1:-/demo}
texts=${2:-/usr/share/common-licenses}
takers=4		# programs that take letters from the stock in demo 1
pieces=20000		# of each letter in it
passes=${PASSES:-25}	# how often demo 2 goes over the texts

export LC_ALL=C
PATH=$programs:$PATH
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
checks=0
failures=0

verdict() {	# STATUS CLAIM
	checks=$((checks + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok: $2"
	else
		echo "FAILED: $2"
		failures=$((failures + 1))
	fi
}

same() {	# EXPECTED RESULT CLAIM; shows where the result (+) differs
	[ -s "$1" ] && cmp -s "$1" "$2"
	verdict $? "$3"
	diff -u "$1" "$2" | sed -n 's/^[-+][^-+]/     &/p' | head -n 4
}

finish() {	# PID...: wait for these programs; each must have succeeded
	for pid; do
		wait "$pid" || verdict 1 "a program of this demo ended with status $?"
	done
}

set --
for file in "$texts"/*; do
	[ -f "$file" ] && set -- "$@" "$file"
done
if [ $# -eq 0 ]; then
	echo "demo.sh: no files in $texts" >&2
	exit 1
fi
quota >"$work/quota-before" || exit 1

# For the independent programs: all the text, and its words, in lower case.
for file; do
	cat "$file"
	echo
done | tr A-Z a-z >"$work/text"
tr -cs a-z '\n' <"$work/text" | grep . | cut -c 1-27 >"$work/words"
echo "Input: the $# files in $texts, $(($(wc -c <"$work/text") / 1024)) KiB"


echo
echo "1. Information sharing: $takers programs take letters for their texts from one stock, until"
echo "   it runs out.  The stock is a table in a region; another program watches it."

stock create $pieces $takers || exit 1
stock-watch >"$work/watched" &
pids=$!
for n in $(seq $takers); do
	stock-take "$@" >"$work/took-$n" &
	pids="$pids $!"
done
finish $pids
stock list >"$work/stock"
stock remove

for n in $(seq $takers); do
	awk -v n="$n" '{ taken += $2; refused += $3 } END {
		printf "     stock-take %d   took %d letters, was refused %d\n", n, taken, refused
	}' "$work/took-$n"
done
echo "     stock-watch    $(cat "$work/watched")"

for letter in $(cut -c 1 "$work/stock"); do
	wanted=$((takers * $(tr -cd "$letter" <"$work/text" | wc -c)))
	taken=$((wanted < pieces ? wanted : pieces))
	echo "$letter $((pieces - taken)) $taken"
done >"$work/expected"
same "$work/expected" "$work/stock" "the stock fell by what tr and wc count in the texts, and not below 0"

awk -v pieces=$pieces '{ taken[$1] += $2 } END {
	for (letter in taken)
		print letter, pieces - taken[letter], taken[letter]
}' "$work"/took-* | sort >"$work/expected"
same "$work/expected" "$work/stock" "it fell by the sum of what the $takers say they took, as awk adds it up"


echo
echo "2. Computation speed-up: count all words, $passes times over.  Workers get pieces of text"
echo "   through a queue and count in a region, each in a table of its own."

cpus=$(nproc)
numbers=1
[ "$cpus" -gt 1 ] && numbers="1 $cpus"
for round in 1 2 3 4 5; do
	for workers in $numbers; do
		wordcount "$workers" "$passes" "$@" 2>>"$work/times" |
			sort >"$work/counts-$workers-$round"
		[ -s "$work/counts-$workers-$round" ] || break 2
	done
done
awk '	!/ s with / { print; next }	# an error
	!($4 in best) || $1 < best[$4] { best[$4] = $1 }
	$4 > most { most = $4 }
	END {
		if (most)
			printf "     1 worker      %5.2f s, the best of 5 runs\n", best[1]
		if (most > 1)
			printf "     %d workers     %5.2f s, the best of 5 runs: %.1f times as fast\n",
				most, best[most], best[1] / best[most]
		if (most > 1 && best[1] < 1.2 * best[most])
			print "     (hardly faster: something else keeps the processors of this machine busy)"
	}' "$work/times"

sort "$work/words" | uniq -c | awk -v n="$passes" '{ print n * $1, $2 }' | sort >"$work/expected"
for counts in "$work"/counts-*; do
	cmp -s "$work/expected" "$counts" || break
done
same "$work/expected" "$counts" \
	"in all runs the counts of the $(wc -l <"$work/expected") words are those of tr | sort | uniq -c"


echo
echo "3. Modularity: pipe-read | pipe-filter | pipe-count | pipe-top find the ten most frequent"
echo "   words of 4 letters or more.  Rings in a region join them.  The first three are killed in"
echo "   turn, and started again."

keep() {	# PROGRAM ARGUMENT...: start it again whenever it was killed
	while :; do
		"$@" &
		echo $! >"$work/pid-$1"
		wait $! 2>/dev/null
		status=$?
		[ $status -gt 128 ] || return $status
		echo "$1" >>"$work/killed"
	done
}

: >"$work/killed"
pipe-top >"$work/top" &
pids=$!
keep pipe-count &
pids="$pids $!"
keep pipe-filter 4 &
pids="$pids $!"
keep pipe-read "$@" &
pids="$pids $!"
for round in 1 2 3 4 5 6 7 8; do
	for program in pipe-filter pipe-count pipe-read; do
		[ -s "$work/pid-$program" ] && kill -KILL "$(cat "$work/pid-$program")" 2>/dev/null
		sleep 0.02
	done
done
finish $pids
echo "     $(wc -l <"$work/killed") programs were killed"
awk '{ printf "     %-8s %4d%s", $2, $1, (NR % 5 ? "" : "\n") }' "$work/top"

grep .... "$work/words" | sort | uniq -c | sort -k 1,1nr -k 2,2 | head -n 10 |
	awk '{ print $1, $2 }' >"$work/expected"
same "$work/expected" "$work/top" "the same ten as of tr | grep | sort | uniq -c | sort -rn | head"


echo
echo "4. Modularity once more, as a service: three programs count the words of files that another"
echo "   one hands them as descriptors and waits for the reply.  One of them is killed at work."

service-serve &
servers=$!
service-serve &
servers="$servers $!"
service-serve &
victim=$!
service-ask "$@" "$@" "$@" "$@" "$@" >"$work/asked" &
pids=$!
kill -KILL $victim
service-pester </etc/passwd >"$work/refused" || verdict 1 "service-pester ended with status $?"
finish $pids
# They serve for ever, and leave nothing behind however they end.
# shellcheck disable=SC2086
kill -KILL $servers
wait
for round in 1 2 3 4 5; do
	for file; do
		echo "$(wc -w <"$file") $(wc -c <"$file") $file"
	done
done >"$work/expected"
echo "     service-ask    $(wc -l <"$work/asked") replies"
same "$work/expected" "$work/asked" "each reply is what wc counts"
echo 52 >"$work/expected"
same "$work/expected" "$work/refused" "what is no request is refused, and nothing else"


echo
echo "Bounded and unbounded buffer: a producer of lines and a consumer, as the textbooks have it"
buffer bounded <"$work/text" >"$work/bounded" 2>"$work/bounded-size"
same "$work/text" "$work/bounded" "bounded: all lines came through, $(cat "$work/bounded-size")"
buffer unbounded <"$work/text" >"$work/unbounded" 2>"$work/unbounded-size"
same "$work/text" "$work/unbounded" "unbounded: all lines were kept, $(cat "$work/unbounded-size")"


echo
quota >"$work/quota-after"
same "$work/quota-before" "$work/quota-after" "nothing is left behind: $(cat "$work/quota-after")"
echo
echo "$((checks - failures)) of $checks checks ok"
[ $failures -eq 0 ]
