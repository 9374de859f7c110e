# SPDX-License-Identifier: GPL-2.0-only
# Lay out the guest's files under $root and pack them. Sourced by tools/vm/run and tools/vm/accel.
# shellcheck shell=bash
# shellcheck disable=SC2154

root=$tmp/root

initramfs_base()
{
	mkdir -p "$root"/{bin,etc,root,vm}
	cp "$(command -v busybox)" "$root/bin/busybox"
	ln -s busybox "$root/bin/sh"
	cp "$top/tools/vm/init" "$root/init"
	cat >"$root/etc/passwd" <<-END
	root:x:0:0:root:/root:/bin/sh
	alice:x:1001:1001:alice:/tmp:/bin/sh
	bob:x:1002:1002:bob:/tmp:/bin/sh
	nobody:x:65534:65534:nobody:/:/bin/sh
	END
	cat >"$root/etc/group" <<-END
	root:x:0:
	tty:x:5:
	alice:x:1001:
	bob:x:1002:
	nogroup:x:65534:
	END
}

# The one program of ours in there, compiled when it changed.
initramfs_relay()
{
	local source=$top/tools/vm/relay.c relay=$top/build/vm/relay

	if [ ! "$relay" -nt "$source" ]; then
		mkdir -p "$top/build/vm"
		gcc -D_GNU_SOURCE -O2 -static -o "$relay.$$" "$source" && mv "$relay.$$" "$relay" || exit "$failure"
	fi
	cp "$relay" "$root/vm/relay"
}

# initramfs_add FILE[:DEST]: a file or directory; what is linked dynamically brings its libraries
initramfs_add()
{
	local from=$1 to='' lib

	[ -e "$from" ] || { to=${1##*:} from=${1%:*}; }
	[ -e "$from" ] || die "no file $from"
	to=${to:-/root/$(basename "$from")}
	mkdir -p "$root/$(dirname "$to")"
	# A directory's contents go to DEST, whether it is there already or not.
	if [ -d "$from" ]; then cp -rLT -- "$from" "$root/$to"; else cp -L -- "$from" "$root/$to"; fi || exit "$failure"
	find "$root/$to" -type f -perm /111 -exec ldd {} + 2>/dev/null |
		sed -n 's/^.*=> \(\/[^ ]*\) (.*/\1/p; s/^\t\(\/[^ ]*\) (.*/\1/p' | sort -u |
		while read -r lib; do
			[ -e "$root/$lib" ] || install -D "$lib" "$root/$lib"
		done
}

# Not compressed: under TCG unpacking costs more than it saves.
initramfs_pack()
{
	chmod -R u+rwX,go+rX "$root"
	(cd "$root" && find . -mindepth 1 -printf '%P\n' | cpio -o -H newc -R 0:0 --quiet) >"$1"
}
