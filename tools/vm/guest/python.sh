# SPDX-License-Identifier: GPL-2.0-only
# Debian's Python for the guest. Sourced by the scripts that pack tests.
# shellcheck shell=bash

# pack_python DIRECTORY [ARGUMENT...]: put Python into DIRECTORY, with the modules that the program
# on standard input loads. Each module is one file, below one of Python's directories; all are
# executable, so that the libraries of executable files are found.
pack_python()
{
	local python=/usr/bin/python3 dir=$1 version file part

	version=$($python -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
	install -D "$(readlink -f $python)" "$dir/bin/python3"
	{
		cat
		cat <<-'END'

		import os, sys
		places = sorted(filter(os.path.isdir, sys.path[1:]), key=len, reverse=True)
		for module in list(sys.modules.values()):
		    file = getattr(module, "__file__", None) or ""
		    place = next((place for place in places if file.startswith(place + "/")), None)
		    if place and "python" in place:
		        print(file, os.path.relpath(file, place))
		END
	} | PYTHONDONTWRITEBYTECODE=1 $python - "${@:2}" | sort -u | while read -r file part; do
		install -D "$file" "$dir/lib/$version/$part"
	done
	mkdir -p "$dir/lib/$version/lib-dynload"
}
