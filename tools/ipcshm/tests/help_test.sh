#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# usage: help_test.sh IPCSHM
#
# The help of the program agrees with the manual page, the completion and the schema.
# No "grep -q" at the end of a pipe: it would not wait for what writes to it, which then fails.
set -uo pipefail
tool=$(realpath "$1")
cd "$(dirname "$0")/.." || exit
PATH=$(dirname "$tool"):$PATH
man=../../Documentation/man/ipcshm.1
failures=0 number=0

# test_case NAME COMMAND...: it succeeds
test_case()
{
	local name=$1

	shift
	number=$((number + 1))
	if "$@"; then echo "ok $number $name"; else echo "not ok $number $name"; failures=$((failures + 1)); fi
}

# With those of the second level, of two words: "topic pub".
mapfile -t commands < <("$tool" help | sed -n 's/^  \([a-z]*\) .*/\1/p'; "$tool" topic help | sed -n 's/^  \(topic [a-z]*\) .*/\1/p')

# The options of a command, long and short, but for those that argp gives to all.
# shellcheck disable=SC2086
options() { "$tool" $1 --help | grep -oE '^ +(-[a-zA-Z]|--[a-z-]+).*' | grep -oE '(^| )--[a-z-]+' | tr -d ' ' | sort -u |
	grep -vxE -- '--(help|usage)'; }

every_command_has_help()
{
	local command

	[ ${#commands[@]} -ge 29 ] || return
	for command in "${commands[@]}"; do
		# shellcheck disable=SC2086
		"$tool" $command --help | grep "^Usage: ipcshm $command" >/dev/null || { echo "# $command"; return 1; }
	done
}

the_manual_has_every_command_and_option()
{
	local command option text

	text=$(mandoc -T ascii "$man" | sed 's/.\x08//g')
	for command in "${commands[@]}"; do
		grep -qE "^ +(ipcshm )?$command( |\$)" <<<"$text" || { echo "# no command $command"; return 1; }
		for option in $(options "$command"); do
			grep -q -- "$option" <<<"$text" || { echo "# no $command $option"; return 1; }
		done
	done
}

the_manual_has_every_column()
{
	local name text

	text=$(mandoc -T ascii "$man" | sed 's/.\x08//g')
	for name in $(sed -n 's/^\t\(OBJECT\|QUEUE_AS\|TOPIC\)([a-z_]*, "\([a-z_]*\)".*/\2/p; s/^\t\(REGION\|QUEUE\)(\([a-z_]*\),.*/\2/p' output_field.c); do
		grep -qw -- "$name" <<<"$text" || { echo "# no column $name"; return 1; }
		grep -q "\"$name\"" output.schema.json || { echo "# $name: not in the schema"; return 1; }
	done
}

the_manual_is_clean()
{
	! mandoc -T lint -W warning "$man" | grep .
}

the_completion_has_every_command_and_option()
{
	local command option words last

	# shellcheck source=/dev/null
	. ./completion.bash
	for command in "${commands[@]}"; do
		read -ra words <<<"$command"
		last=${words[-1]}
		complete_words ipcshm "${words[@]::${#words[@]}-1}" "${last:0:2}" | grep -x "$last" >/dev/null ||
			{ echo "# $command"; return 1; }
		for option in $(options "$command"); do
			complete_words ipcshm "${words[@]}" "$option" | grep -x -- "$option=\?" >/dev/null ||
				{ echo "# $command $option"; return 1; }
		done
	done
}

# complete_words WORD...: what the last word can become
complete_words()
{
	local COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()

	_ipcshm
	printf '%s\n' "${COMPREPLY[@]}"
}

# usage_error ARGUMENT...: status 2, nothing on standard output, and a message that begins with the program's name
usage_error()
{
	local output errors status

	output=$("$tool" "$@" 2>/tmp/ipcshm-help.$$ </dev/null)
	status=$?
	errors=$(cat /tmp/ipcshm-help.$$)
	rm -f /tmp/ipcshm-help.$$
	[ "$status" = 2 ] && [ -z "$output" ] && [[ $errors == ipcshm* ]]
}

wrong_command_lines_are_status_2()
{
	usage_error nonsense && usage_error list --nonsense && usage_error list -o nonsense &&
		usage_error show && usage_error show a/b && usage_error create && usage_error create thing x &&
		usage_error create region x --capacity 3 && usage_error create queue x -s 4K &&
		usage_error create queue x -c -1 && usage_error create region region/x && usage_error send &&
		usage_error send x -p 32768 && usage_error recv x y && usage_error recv x -t 1 --up-to 2 &&
		usage_error recv x -w soon && usage_error metrics x && usage_error call && usage_error call x y z && usage_error call x -p -1 &&
		usage_error reply && usage_error reply x -c 2 && usage_error reply x -f && usage_error reply x -l cat && usage_error reply x -c 0 cat && usage_error monitor -e nonsense && usage_error quota objects=1 &&
		usage_error quota -d objects=default && usage_error quota objects=default -d && usage_error quota -n -u root && usage_error quota -a objects=1 && usage_error quota -u nobody-has-this-name &&
		usage_error quota -d objects=9223372036854775808 && usage_error load nonsense && usage_error cat &&
		usage_error top -d 1ns && usage_error top -s nonsense && usage_error topic nonsense &&
		usage_error topic create && usage_error topic create x -s 5G && usage_error topic pub && usage_error topic sub x y &&
		usage_error topic hz x -d 1ns && usage_error topic record x && usage_error topic replay x -x -1 &&
		usage_error topic create x --type "$(printf 'x%.0s' {1..64})" &&
		usage_error run && usage_error run --nonsense true
}

versions_agree()
{
	grep -q "^$("$tool" version | sed -n 's/^ipcshm //p') " ../../CHANGES
}

# What follows the program's name is not for ipcshm: without a library nothing is run.
run_takes_no_options_of_the_program()
{
	[ "$("$tool" run --library /nonexistent -- true --library 2>&1)" = \
		"ipcshm: run /nonexistent: no such library (--library names the file)" ]
}

# Each prints, and so fails, before the module is needed.
full_output_is_an_error()
{
	local command

	for command in help "help call" "call --help" "call --usage" "topic pub --help" "topic --help"; do
		# shellcheck disable=SC2086
		"$tool" $command >/dev/full 2>/dev/null
		[ $? = 1 ] || { echo "# $command"; return 1; }
	done
}

echo "1..9"
test_case every_command_has_help every_command_has_help
test_case the_manual_has_every_command_and_option the_manual_has_every_command_and_option
test_case the_manual_has_every_column the_manual_has_every_column
test_case the_manual_is_clean the_manual_is_clean
test_case the_completion_has_every_command_and_option the_completion_has_every_command_and_option
test_case wrong_command_lines_are_status_2 wrong_command_lines_are_status_2
test_case versions_agree versions_agree
test_case run_takes_no_options_of_the_program run_takes_no_options_of_the_program
test_case full_output_is_an_error full_output_is_an_error
exit $((failures > 0))
