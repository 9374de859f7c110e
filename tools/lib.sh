# SPDX-License-Identifier: GPL-2.0-only
# Shared by the scripts of tools/: paths, messages, packages. Sourced, not run.
# shellcheck shell=bash disable=SC2034

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd) || exit 1
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

apt_suite=''	# of Debian; empty: the packages that the machine itself uses

# The index of packages may be missing (fresh machine) or old (the archive moved on): get it anew,
# once.
apt_index()
{
	say "apt-get update${apt_suite:+ ($apt_suite)}"
	if [ -z "$apt_suite" ]; then
		as_root apt-get -o DPkg::Lock::Timeout=600 -qq update >&2
	else
		apt-get -o APT::Sandbox::User="$(id -un)" -qq update >&2 && touch "$cache/apt/$apt_suite/updated"
	fi
}

# shellcheck disable=SC2016
apt_mirror()
{
	apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' 'Origin: Debian' 'Label: Debian' | head -n 1
}

# apt_source SUITE: the line for it in a sources.list, with the mirror of Debian that this machine
# uses
apt_source()
{
	local mirror keyring=/usr/share/keyrings/debian-archive-keyring.gpg

	mirror=$(apt_mirror)
	[ -n "$mirror" ] || { apt_index; mirror=$(apt_mirror); }
	[ -n "$mirror" ] || die "apt uses no mirror of Debian (needed for the suite $1)"
	printf 'deb %s%s %s main\n' "$([ ! -e $keyring ] || echo "[signed-by=$keyring] ")" "$mirror" "$1"
}

# apt_use SUITE: from here on, apt sees the packages of that suite alone. Its sources, index and
# state are in the cache; those of the machine stay as they are.
apt_use()
{
	local dir=$cache/apt/$1 source

	source=$(unset APT_CONFIG; apt_suite=''; apt_source "$1")
	mkdir -p "$dir/lists/partial" "$dir/archives/partial"
	printf '%s\n' "$source" >"$dir/sources.list"
	cat >"$dir/apt.conf" <<-END
	Dir::Etc::sourcelist "$dir/sources.list";
	Dir::Etc::sourceparts "-";
	Dir::State "$dir";
	Dir::Cache "$dir";
	Acquire::Languages "none";
	END
	apt_suite=$1
	export APT_CONFIG=$dir/apt.conf
	[ "$dir/updated" -nt /var/lib/apt/lists ] || apt_index || [ -e "$dir/updated" ]
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

# The release of the kernel whose build tree is a directory.
release_of()
{
	sed -n 's/^#define UTS_RELEASE "\(.*\)"/\1/p' "$1/include/generated/utsrelease.h" 2>/dev/null ||
		die "$1: not a kernel build tree (choose another one with KDIR=DIRECTORY)"
}
