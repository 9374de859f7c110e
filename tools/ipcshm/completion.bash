# SPDX-License-Identifier: GPL-2.0-only
# Completion of ipcshm for bash.
# shellcheck shell=bash

# Options come from --help, names from the objects that the user may see.
_ipcshm_options()
{
	# Words of a command: "topic pub" is two.
	# shellcheck disable=SC2086
	ipcshm $1 --help 2>/dev/null | grep -oE '^ +(-[a-zA-Z?], +)?--[a-z-]+=?' | grep -oE -- '--[a-z-]+=?'
}

_ipcshm_names()
{
	ipcshm list --names "$@" 2>/dev/null
}

# The possible arguments of a command.
_ipcshm_arguments()
{
	case $1 in
	show|holders|rm|revoke)		_ipcshm_names;;
	members|cat|write)	_ipcshm_names --region;;
	topic)			_ipcshm_topic_commands;;
	topic\ replay)		compgen -f -- "$2"; _ipcshm_names --topic;;
	topic\ record)		_ipcshm_names --topic; compgen -f -- "$2";;
	topic\ *)		_ipcshm_names --topic;;
	send|recv|call|reply|move)	_ipcshm_names --queue;;
	create)			printf '%s\n' region queue;;
	quota)			printf '%s\n' {objects,region-bytes,queue-bytes,members,waiters,descriptors}=;;
	load)			compgen -f -- "$2";;
	run)			compgen -c -- "$2";;
	help)			_ipcshm_commands;;
	esac
}

_ipcshm_commands()
{
	ipcshm help 2>/dev/null | sed -n 's/^  \([a-z]*\) .*/\1/p'
}

_ipcshm_topic_commands()
{
	ipcshm topic help 2>/dev/null | sed -n 's/^  topic \([a-z]*\) .*/\1/p'
}

# The possible values of option $2 of command $1.
_ipcshm_values()
{
	case "$1 $2" in
	*" --user"|*" --owner"|"quota -u"|"list -u"|"top -u")	compgen -u;;
	*" --object"|"monitor -n")	_ipcshm_names;;
	*" --event"|"monitor -e")
		printf '%s\n' create open unlink free join leave death revoke drop quota lost;;
	"run --library"|"run -l")	compgen -f;;
	*" --overflow")			printf '%s\n' block drop-oldest drop-newest;;
	esac
}

# Make completions of the lines of standard input that begin with $1; they may have blanks.
_ipcshm_take()
{
	local word

	COMPREPLY=()
	while IFS= read -r word; do
		[[ $word != "$1"* ]] || COMPREPLY+=("$(printf '%q' "$word")")
	done
	[[ ${#COMPREPLY[@]} != 1 || ${COMPREPLY[0]} != *= ]] || compopt -o nospace 2>/dev/null
}

_ipcshm()
{
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}

	if [ "$COMP_CWORD" = 1 ]; then
		_ipcshm_take "$current" < <(_ipcshm_commands; echo help)
		return
	fi
	[ "$command" != topic ] || [ "$COMP_CWORD" = 2 ] || command="topic ${COMP_WORDS[2]}"
	# "--option=value" comes as three words.
	[ "$previous" != = ] || previous=${COMP_WORDS[COMP_CWORD - 2]}
	[ "$current" != = ] || { previous=${COMP_WORDS[COMP_CWORD - 1]} current=; }
	if [[ $current == -* ]]; then
		_ipcshm_take "$current" < <(_ipcshm_options "$command")
	elif [[ $previous == -* && -n $(_ipcshm_values "$command" "$previous") ]]; then
		_ipcshm_take "$current" < <(_ipcshm_values "$command" "$previous")
	else
		_ipcshm_take "$current" < <(_ipcshm_arguments "$command" "$current")
	fi
}

complete -F _ipcshm ipcshm
