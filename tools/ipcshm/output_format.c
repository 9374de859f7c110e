// SPDX-License-Identifier: GPL-2.0-only
/* Numbers and names as people read them. */
#include "output_format.h"

#include <inttypes.h>
#include <linux/ipcshm_netlink.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <wchar.h>
#include <wctype.h>

static const uint64_t second = 1000000000;

/* Digits after the point only where they matter: "1.5" but "15" and "1". */
static void write_scaled(double value, const char *unit, char text[FORMAT_MAX])
{
	double tenths = (double)(uint64_t)(value * 10) / 10;

	if (value >= 10 || tenths == (double)(uint64_t)value)
		snprintf(text, FORMAT_MAX, "%" PRIu64 " %s", (uint64_t)value, unit);
	else
		snprintf(text, FORMAT_MAX, "%.1f %s", tenths, unit);
}

void format_bytes(uint64_t bytes, char text[FORMAT_MAX])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double value = (double)bytes;
	size_t unit = 0;

	for (; value >= 1024 && unit < 6; unit++)
		value /= 1024;
	write_scaled(value, units[unit], text);
}

static void write_two_units(uint64_t large, const char *large_unit, uint64_t small,
			    const char *small_unit, char text[FORMAT_MAX])
{
	snprintf(text, FORMAT_MAX, "%" PRIu64 " %s %" PRIu64 " %s", large, large_unit, small,
		 small_unit);
}

bool quota_is_bytes(unsigned int type)
{
	return type == IPCSHM_QUOTA_TYPE_REGION_BYTES || type == IPCSHM_QUOTA_TYPE_QUEUE_BYTES;
}

void format_quota(unsigned int type, uint64_t amount, char text[FORMAT_MAX])
{
	if (quota_is_bytes(type))
		format_bytes(amount, text);
	else
		snprintf(text, FORMAT_MAX, "%" PRIu64, amount);
}

void format_duration(uint64_t nanoseconds, char text[FORMAT_MAX])
{
	uint64_t seconds = nanoseconds / second;

	if (nanoseconds < 1000)
		write_scaled((double)nanoseconds, "ns", text);
	else if (nanoseconds < 1000000)
		write_scaled((double)nanoseconds / 1e3, "us", text);
	else if (nanoseconds < second)
		write_scaled((double)nanoseconds / 1e6, "ms", text);
	else if (seconds < 60)
		write_scaled((double)nanoseconds / 1e9, "s", text);
	else if (seconds < 3600)
		write_two_units(seconds / 60, "min", seconds % 60, "s", text);
	else if (seconds < 86400)
		write_two_units(seconds / 3600, "h", seconds / 60 % 60, "min", text);
	else
		write_two_units(seconds / 86400, "d", seconds / 3600 % 24, "h", text);
}

void format_time(uint64_t nanoseconds, char text[FORMAT_MAX])
{
	time_t seconds = (time_t)(nanoseconds / second);
	struct tm parts;

	if (!localtime_r(&seconds, &parts) ||
	    !strftime(text, FORMAT_MAX, "%Y-%m-%d %H:%M:%S", &parts))
		snprintf(text, FORMAT_MAX, "?");
}

void format_timestamp(uint64_t nanoseconds, char text[FORMAT_MAX])
{
	time_t seconds = (time_t)(nanoseconds / second);
	struct tm parts;
	size_t length = 0;

	if (gmtime_r(&seconds, &parts))
		length = strftime(text, FORMAT_MAX, "%Y-%m-%dT%H:%M:%S", &parts);
	snprintf(text + length, FORMAT_MAX - length, ".%09" PRIu64 "Z", nanoseconds % second);
}

/* The bytes of the next character if a terminal shows it as one, or 0. */
static size_t measure_printable(const char *name, size_t size)
{
	mbstate_t state = { 0 };
	wchar_t character;
	size_t length = mbrtowc(&character, name, size, &state);

	if (length == 0 || length > size || !iswprint((wint_t)character))
		return 0;
	return length;
}

void format_name(const char *name, size_t size, char *text)
{
	for (size_t i = 0, length; i < size; i += length) {
		length = measure_printable(name + i, size - i);
		if (!length) {
			text += sprintf(text, "\\x%02x", (unsigned char)name[i]);
			length = 1;
			continue;
		}
		if (name[i] == '\\')
			*text++ = '\\';
		memcpy(text, name + i, length);
		text += length;
	}
	*text = '\0';
}

const char *format_plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

size_t format_width(const char *text)
{
	mbstate_t state = { 0 };
	size_t width = 0, length;
	wchar_t character;

	for (; *text; text += length) {
		length = 1;
		if (*text >= ' ' && *text <= '~') {
			width++;
			continue;
		}
		length = mbrtowc(&character, text, strlen(text), &state);
		if (length == 0 || length > strlen(text))
			return width + strlen(text);
		width += wcwidth(character) > 0 ? (size_t)wcwidth(character) : 0;
	}
	return width;
}
