#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The installed files: all are there, a program compiles, links and runs with the
# flags of pkg-config, and the library exports exactly the calls of its headers.
# Takes CC, CXX and O (where the library was built) from the environment.

# The tests are called by check, and compilers and flags are words to be split.
# shellcheck disable=SC2317,SC2086,SC2046,SC2016

cd "$(dirname "$0")/.." || exit 1
unset MAKEFLAGS MAKELEVEL
: "${CC:=cc}" "${CXX:=c++}" "${O:=build}"

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
stage=$tmp/stage
libdir=$stage/opt/x/lib64
public=$(cd include && echo *.h)
strict="-Wall -Wextra -Wshadow -Wconversion -Wpedantic -Werror"

count=0
failed=0

# A test passes if the function of its name succeeds.
check()
{
	count=$((count + 1))
	if "$1" > "$tmp/log" 2>&1; then
		echo "ok $count $1"
	else
		sed 's/^/# /' "$tmp/log"
		echo "not ok $count $1"
		failed=1
	fi
}

# staged TARGET: make install or uninstall, neither to a default directory
staged()
{
	make "$1" O="$O" CC="$CC" PREFIX=/opt/x LIBDIR=/opt/x/lib64 DESTDIR="$stage"
}

files()
{
	(cd "$stage" && find . ! -type d | LC_ALL=C sort)
}

same()
{
	echo "want: $1"
	echo "have: $2"
	[ "$1" = "$2" ]
}

package()
{
	PKG_CONFIG_SYSROOT_DIR=$stage PKG_CONFIG_PATH=$libdir/pkgconfig pkg-config "$@" libipcshm
}

files_are_installed()
{
	staged install &&
		same "./opt/x/include/ipcshm-area.h
./opt/x/include/ipcshm-cell.h
./opt/x/include/ipcshm-cond.h
./opt/x/include/ipcshm-event.h
./opt/x/include/ipcshm-mutex.h
./opt/x/include/ipcshm-ring.h
./opt/x/include/ipcshm-service.h
./opt/x/include/ipcshm-topic.h
./opt/x/include/ipcshm.h
./opt/x/include/ipcshm.hpp
./opt/x/include/linux/ipcshm.h
./opt/x/lib64/libipcshm-compat.so
./opt/x/lib64/libipcshm.a
./opt/x/lib64/libipcshm.so
./opt/x/lib64/libipcshm.so.0.2.0
./opt/x/lib64/libipcshm.so.1
./opt/x/lib64/pkgconfig/libipcshm.pc" "$(files | grep -v '/man/')" &&
		same "$(cd ../Documentation/man && ls ./*.[347])" "$(files | sed -n 's/.*\/man[347]\//.\//p' | LC_ALL=C sort)" &&
		same libipcshm.so.0.2.0 "$(readlink "$libdir/libipcshm.so.1")" &&
		same libipcshm.so.1 "$(readlink "$libdir/libipcshm.so")"
}

# Paths below PREFIX are written in terms of it, so that the tree can be moved.
package_has_its_paths()
{
	same 'prefix=/opt/x
includedir=${prefix}/include
libdir=${prefix}/lib64' "$(grep '^[a-z]*=' "$libdir/pkgconfig/libipcshm.pc")" &&
		same 0.2.0 "$(package --modversion)"
}

program_links_shared()
{
	$CC $strict $(package --cflags) -o "$tmp/shared" tests/link.c $(package --libs) &&
		readelf -d "$tmp/shared" | grep 'NEEDED.*\[libipcshm\.so\.1\]' &&
		LD_LIBRARY_PATH=$libdir "$tmp/shared"
}

program_links_static()
{
	$CC $strict -static $(package --cflags) -o "$tmp/static" tests/link.c \
		$(package --static --libs) && "$tmp/static"
}

program_links_as_cxx()
{
	$CXX -std=c++11 $strict $(package --cflags) -o "$tmp/cxx" -x c++ tests/link.c -x none \
		$(package --libs) && LD_LIBRARY_PATH=$libdir "$tmp/cxx"
}

# Each header by itself, before any other, as the kernel checks its own too.
headers_stand_alone()
{
	for standard in c99 c11 gnu17; do
		for header in linux/ipcshm.h $public; do
			echo "#include <$header>" | $CC -std=$standard $strict $(package --cflags) \
				-x c -fsyntax-only - || return
		done
	done
	echo '#include <linux/ipcshm.h>' | $CC -std=c90 -Wall -Werror $(package --cflags) \
		-x c -fsyntax-only -
}

headers_stand_alone_in_cxx()
{
	for standard in c++11 c++17; do
		for header in linux/ipcshm.h $public; do
			echo "#include <$header>" | $CXX -std=$standard $strict \
				$(package --cflags) -x c++ -fsyntax-only - || return
		done
	done
}

documented_examples_compile()
{
	awk '/^\.\. code-block:: c$/ { code = 1; next }
	     /^[^ ]/ { code = 0 }
	     code { sub(/^   /, ""); print }' ../Documentation/library.rst > "$tmp/example.c"
	grep -q next_job "$tmp/example.c" &&
		$CC -std=c11 $strict $(package --cflags) -c -o "$tmp/example.o" "$tmp/example.c"
}

# Also what is inline in a header.
declared_calls()
{
	grep -oh '\<ipcshm_[a-z_]*(' include/*.h | tr -d '(' | LC_ALL=C sort -u
}

shared_library_exports_what_is_declared()
{
	same "$(declared_calls | sed 's/$/@@LIBIPCSHM_0.2/')" \
		"$(nm -D --defined-only --with-symbol-versions "$libdir/libipcshm.so.1" |
		   awk '$2 != "A" { print $3 }' | LC_ALL=C sort)"
}

# exports LIBRARY: the names of a static one
exports()
{
	nm -g --defined-only "$1" | awk 'NF == 3 { print $3 }' | LC_ALL=C sort
}

static_library_exports_what_is_declared()
{
	same "$(declared_calls)" "$(exports "$libdir/libipcshm.a")"
}

# optimized COMPILER FLAG: both libraries, built and linked to with that kind of link-time optimization
optimized()
{
	make O="$tmp/lto" CC="$1" CFLAGS="-O1 $2" && same "$(declared_calls)" "$(exports "$tmp/lto/libipcshm.a")" &&
		printf '#include <ipcshm.h>\nint main(void) { return ipcshm_open() < -4095; }\n' > "$tmp/lto.c" &&
		$1 $(package --cflags) -o "$tmp/static" "$tmp/lto.c" "$tmp/lto/libipcshm.a" && "$tmp/static" &&
		$1 $(package --cflags) -o "$tmp/shared" "$tmp/lto.c" -L"$tmp/lto" -lipcshm -Wl,-rpath,"$tmp/lto" &&
		"$tmp/shared" && rm -rf "$tmp/lto"
}

libraries_can_be_optimized_when_linked()
{
	optimized "$CC" -flto && optimized clang -flto && optimized clang -flto=thin
}

# A linker may pass over a name in the map that doesn't exist.
map_lists_what_is_declared()
{
	same "$(declared_calls)" "$(grep -o '\<ipcshm_[a-z_]*;' libipcshm.map | tr -d ';')"
}

# Each name is libc's, and none has a version. Names of other machines are not there.
drop_in_exports_names_of_libc()
{
	nm -D --defined-only --with-symbol-versions "$libdir/libipcshm-compat.so" | awk '{ print $3 }' | LC_ALL=C sort > "$tmp/names" &&
		[ "$(wc -l < "$tmp/names")" -ge 11 ] &&
		! grep -vxF "$(sed -n 's/^\t\([a-z_0-9]*\);$/\1/p' compat/libipcshm-compat.map)" "$tmp/names"
}

# Without the module a program's call fails, or is libc's.
drop_in_is_preloaded()
{
	printf '#include <mqueue.h>\n#include <errno.h>\n#include <fcntl.h>\nint main(void) { return mq_open("/none/none", O_RDONLY) == -1 && errno == EACCES && mq_unlink("none") == -1 && errno == EINVAL ? 0 : 1; }\n' > "$tmp/mq.c" &&
		$CC -o "$tmp/mq" "$tmp/mq.c" && LD_PRELOAD="$libdir/libipcshm-compat.so" "$tmp/mq"
}

# Tables of functions are constant, but for where the library is loaded.
library_has_no_state()
{
	same "" "$(size -A "$libdir/libipcshm.a" |
		   awk '$1 ~ /^\.t?(data|bss)/ && $1 !~ /^\.data\.rel\.ro/ && $2 != 0')"
}

# Pages are current, each call has one with EXAMPLES and all of its errors, and mandoc accepts them.
pages_are_sound()
{
	../tools/man -c || return
	for page in ../Documentation/man/*.[0-9]; do
		grep -q '^\.so man3/' "$page" || ! mandoc -T lint -W warning "$page" | grep . || return
	done
}

page_examples_compile()
{
	for page in ../Documentation/man/*.3; do
		awk '/^\.SH/ { examples = $2 == "EXAMPLES" }
		     /^\.EE/ { code = 0 }
		     code { gsub(/\\-/, "-"); gsub(/\\e/, "\\"); print }
		     examples && /^\.EX/ { code = 1 }' "$page" > "$tmp/example.c"
		[ ! -s "$tmp/example.c" ] ||
			$CC -std=c11 $strict $(package --cflags) -c -o "$tmp/example.o" "$tmp/example.c" || return
	done
}

uninstall_leaves_nothing()
{
	staged uninstall && same "" "$(files)"
}

echo "TAP version 13"
check files_are_installed
check package_has_its_paths
check program_links_shared
check program_links_static
check program_links_as_cxx
check headers_stand_alone
check headers_stand_alone_in_cxx
check documented_examples_compile
check shared_library_exports_what_is_declared
check static_library_exports_what_is_declared
check libraries_can_be_optimized_when_linked
check map_lists_what_is_declared
check drop_in_exports_names_of_libc
check drop_in_is_preloaded
check library_has_no_state
check pages_are_sound
check page_examples_compile
check uninstall_leaves_nothing
echo "1..$count"
exit $failed
