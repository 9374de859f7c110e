// SPDX-License-Identifier: GPL-2.0-only
/* ipcshm version */
#include <inttypes.h>
#include <ipcshm.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "error.h"
#include "output_json.h"
#include "version.h"

struct module {
	char version[64]; /* "" if it isn't loaded */
	bool has_info;
	struct ipcshm_info info;
};

static const char *const features[] = { "region", "queue", "members", "messages",
					"call",	  "pool",  NULL };

static const struct argp_option version_options[] = { OPTION_JSON, { 0 } };

static error_t parse_version_option(int key, char *argument, struct argp_state *state)
{
	(void)argument;
	if (key != 'j')
		return ARGP_ERR_UNKNOWN;
	*(bool *)state->input = true;
	return 0;
}

static void read_module(struct module *module)
{
	FILE *file = fopen("/sys/module/ipcshm/version", "re");
	int device;

	memset(module, 0, sizeof(*module));
	if (file) {
		if (fgets(module->version, sizeof(module->version), file))
			module->version[strcspn(module->version, "\n")] = '\0';
		fclose(file);
	}
	device = ipcshm_open();
	if (device < 0)
		return;
	module->has_info = !ipcshm_get_info(device, &module->info, sizeof(module->info));
	close(device);
}

static void print_version_json(const struct module *module)
{
	struct json json = { .to = stdout };

	json_open(&json, '{');
	json_key(&json, "version");
	json_string(&json, VERSION);
	json_key(&json, "module");
	if (*module->version)
		json_string(&json, module->version);
	else
		json_null(&json);
	json_key(&json, "abi_version");
	if (module->has_info)
		json_number(&json, module->info.abi_version);
	else
		json_null(&json);
	json_key(&json, "features");
	json_open(&json, '[');
	for (unsigned int i = 0; features[i]; i++)
		if (module->info.features >> i & 1)
			json_string(&json, features[i]);
	json_close(&json, ']');
	json_close(&json, '}');
	json_line(&json);
}

static void print_text(const struct module *module)
{
	printf("ipcshm %s\n", VERSION);
	printf("module %s\n", *module->version ? module->version : "not loaded");
	if (!module->has_info)
		return;
	printf("interface %" PRIu32 ":", module->info.abi_version);
	for (unsigned int i = 0; features[i]; i++)
		if (module->info.features >> i & 1)
			printf(" %s", features[i]);
	putchar('\n');
}

int command_version(const struct command *self, int argc, char **argv)
{
	struct module module;
	bool json = false;

	command_parse(self, version_options, parse_version_option, argc, argv, &json);
	read_module(&module);
	if (json)
		print_version_json(&module);
	else
		print_text(&module);
	return *module.version ? STATUS_OK : STATUS_NO_MODULE;
}
