// SPDX-License-Identifier: GPL-2.0-only
/* Words of a command line as numbers. */
#include "parse.h"

#include <ctype.h>
#include <errno.h>
#include <linux/ipcshm.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* strtoull() without what it is too lenient with: blanks and signs. */
static bool parse_digits(const char *word, int base, uint64_t *number, const char **end)
{
	char *stop;

	if (!isdigit((unsigned char)*word))
		return false;
	errno = 0;
	*number = strtoull(word, &stop, base);
	*end = stop;
	return !errno && stop != word;
}

bool parse_number(const char *word, uint64_t *number)
{
	const char *end;
	bool hex = word[0] == '0' && (word[1] == 'x' || word[1] == 'X');

	return parse_digits(word, hex ? 16 : 10, number, &end) && !*end;
}

bool parse_up_to(const char *word, uint64_t most, uint32_t *number)
{
	uint64_t value;

	if (!parse_number(word, &value) || value > most)
		return false;
	*number = (uint32_t)value;
	return true;
}

/* The power of 1024 that a suffix stands for, or -1. */
static int parse_power(const char *suffix)
{
	static const char letters[] = "KMGTPE";
	const char *letter;

	if (!*suffix || !strcasecmp(suffix, "B"))
		return 0;
	letter = strchr(letters, toupper((unsigned char)*suffix));
	if (!letter || (suffix[1] && strcasecmp(suffix + 1, "B") && strcasecmp(suffix + 1, "iB")))
		return -1;
	return (int)(letter - letters) + 1;
}

bool parse_bytes(const char *word, uint64_t *bytes)
{
	const char *suffix;
	int exponent;

	if (!parse_digits(word, 10, bytes, &suffix))
		return false;
	exponent = parse_power(suffix);
	if (exponent < 0 || *bytes > UINT64_MAX >> 10 * exponent)
		return false;
	*bytes <<= 10 * exponent;
	return true;
}

static bool parse_unbounded(const char *word, uint64_t *number)
{
	if (strcmp(word, "unbounded"))
		return false;
	*number = IPCSHM_UNBOUNDED;
	return true;
}

bool parse_capacity(const char *word, uint64_t *number)
{
	return parse_unbounded(word, number) || parse_number(word, number);
}

bool parse_byte_capacity(const char *word, uint64_t *bytes)
{
	return parse_unbounded(word, bytes) || parse_bytes(word, bytes);
}

bool parse_mode(const char *word, uint32_t *mode)
{
	const char *end;
	uint64_t value;

	if (!parse_digits(word, 8, &value, &end) || *end || value > 0777)
		return false;
	*mode = (uint32_t)value;
	return true;
}

bool parse_duration(const char *word, uint64_t *nanoseconds)
{
	static const struct {
		const char *name;
		double nanoseconds;
	} units[] = { { "", 1e9 }, { "s", 1e9 },    { "ms", 1e6 },  { "us", 1e3 },
		      { "ns", 1 }, { "min", 60e9 }, { "h", 3600e9 } };
	double value;
	char *unit;

	if (!isdigit((unsigned char)*word) && *word != '.')
		return false;
	value = strtod(word, &unit);
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (strcmp(unit, units[i].name))
			continue;
		value *= units[i].nanoseconds;
		if (!isfinite(value) || value >= 0x1p63)
			return false;
		*nanoseconds = (uint64_t)value;
		return true;
	}
	return false;
}

static bool is_name(const char *word)
{
	size_t length = strlen(word);

	return length > 0 && length <= IPCSHM_NAME_MAX && !strchr(word, '/') && strcmp(word, ".") &&
	       strcmp(word, "..");
}

bool parse_target(const char *word, struct target *target)
{
	const char *slash = strchr(word, '/');

	*target = (struct target){ .name = slash ? slash + 1 : word };
	if (slash && !strncmp(word, "id/", 3))
		return parse_number(target->name, &target->id) && target->id;
	if (slash && !strncmp(word, "region/", 7))
		target->kind = IPCSHM_REGION;
	else if (slash && !strncmp(word, "queue/", 6))
		target->kind = IPCSHM_QUEUE;
	else if (slash && slash != word)
		return false;
	return is_name(target->name);
}
