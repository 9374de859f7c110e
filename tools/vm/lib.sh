# SPDX-License-Identifier: GPL-2.0-only
# Shared by the scripts of tools/: where things are, how a failure is said. Sourced, not run.
# shellcheck shell=bash disable=SC2034

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd) || exit 1
cache=${IPCSHM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ipcshm}
failure=1	# the exit status of die; a script may set its own

say()
{
	printf '%s: %s\n' "${0##*/}" "$*" >&2
}

die()
{
	say "$@"
	exit "$failure"
}

as_root()
{
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# One process at a time from here on; the lock goes with the process.
lock()
{
	mkdir -p "$(dirname "$1")" || exit 1
	exec {lock_fd}>"$1" || exit 1
	flock "$lock_fd"
}

unlock()
{
	exec {lock_fd}>&-
}

# The index of packages may be missing (fresh machine) or old (the archive moved on): get it anew, once.
apt_index()
{
	say "apt-get update"
	as_root apt-get -o DPkg::Lock::Timeout=600 -qq update >&2
}

# Put packages (NAME or NAME=VERSION) into the current directory; nothing is installed.
apt_download()
{
	local quiet=(-qq -o APT::Sandbox::User="$(id -un)")

	say "apt-get download $*"
	apt-get "${quiet[@]}" download "$@" >&2 && return
	apt_index
	apt-get "${quiet[@]}" download "$@" >&2
}
