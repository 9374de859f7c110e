# SPDX-License-Identifier: GPL-2.0-only
# usage: awk -v least=N -f report.awk SYMBOLS SECTIONS BLOCKS
#
# Print a table of functions for each section: see run. Addresses are of 16 hexadecimal digits, so that they can be
# compared as strings.
FNR == 1 { file++ }
file == 1 { address[++symbols] = $1 ""; name[symbols] = $2; next }
file == 2 && $1 == "section" { title[++sections] = $2 ", " $3 ", " $4 " bytes"; operations[sections] = $5 }
file == 2 { next }
$1 == "dump" { print_section(title[++section], operations[section]); next }
{
	i = find(substr("0000000000000000" $1, length($1) + 1))
	count[name[i]] += $2 * $3
	atomic[name[i]] += $4 * $3
}

# The last symbol at or before an address.
function find(key,    low, high, middle)
{
	low = 1
	high = symbols + 1
	while (high - low > 1) {
		middle = int((low + high) / 2)
		if (address[middle] "" <= key "")
			low = middle
		else
			high = middle
	}
	return low
}

function print_section(what, operations,    function_name, all, atomics, rest, line, sorted)
{
	sorted = "sort -rn"
	for (function_name in count) {
		all += count[function_name]
		atomics += atomic[function_name]
	}
	printf "%s: %.1f instructions, %.2f atomic\n", what, all / operations, atomics / operations
	fflush()
	for (function_name in count) {
		if (count[function_name] / operations < least) {
			rest += count[function_name]
			continue
		}
		printf "%9.1f %6.2f  %s\n", count[function_name] / operations, atomic[function_name] / operations,
			function_name | sorted
	}
	close(sorted)
	printf "%9.1f         others\n\n", rest / operations
	fflush()
	delete count
	delete atomic
}
