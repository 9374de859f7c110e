// SPDX-License-Identifier: GPL-2.0-only
/* ipcshm load, ipcshm unload, ipcshm version */
#include <errno.h>
#include <inttypes.h>
#include <ipcshm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "error.h"
#include "json.h"
#include "kmod.h"
#include "version.h"

static const char module_name[] = "ipcshm";

/* load */

struct load {
	const char *module;
	char parameters[4096];
};

static void add_parameter(struct argp_state *state, char *parameters, size_t room, const char *word)
{
	size_t length = strlen(parameters);

	if (length + strlen(word) + 2 > room)
		argp_error(state, "too many parameters");
	snprintf(parameters + length, room - length, "%s%s", length ? " " : "", word);
}

static error_t parse_load(int key, char *argument, struct argp_state *state)
{
	struct load *load = state->input;

	if (key != ARGP_KEY_ARG)
		return ARGP_ERR_UNKNOWN;
	if (strchr(argument, '='))
		add_parameter(state, load->parameters, sizeof(load->parameters), argument);
	else if (strchr(argument, '/') && load->module == module_name)
		load->module = argument;
	else
		argp_error(state, "neither PARAMETER=VALUE nor a file (with a \"/\"): \"%s\"",
			   argument);
	return 0;
}

static const char *load_hint(const struct load *load, int err)
{
	switch (-err) {
	case EPERM:
		return "root can do it";
	case EEXIST:
		return "it is loaded";
	case ENOENT:
		return load->module == module_name ? "it isn't installed for this kernel"
						   : "no such file";
	case EINVAL:
		return "a parameter has a wrong value?";
	case ENOEXEC:
		return "it isn't for this kernel";
	default:
		return NULL;
	}
}

int command_load(const struct command *self, int argc, char **argv)
{
	struct load load = { .module = module_name };
	int err;

	command_parse(self, NULL, parse_load, argc, argv, &load);
	err = kmod_load(load.module, load.parameters);
	if (!err)
		return STATUS_OK;
	if (err == -EEXIST || err == -ENOENT)
		return error_say("load", load.module, STATUS_FAILED,
				 err == -EEXIST		      ? "It is loaded already"
				 : load.module == module_name ? "It isn't installed for this kernel"
							      : "No such file");
	return error_tell("load", load.module, err, load_hint(&load, err));
}

/* unload */

static error_t parse_nothing(int key, char *argument, struct argp_state *state)
{
	(void)key;
	(void)argument;
	(void)state;
	return ARGP_ERR_UNKNOWN;
}

int command_unload(const struct command *self, int argc, char **argv)
{
	int err;

	command_parse(self, NULL, parse_nothing, argc, argv, NULL);
	err = kmod_unload(module_name);
	switch (-err) {
	case 0:
		return STATUS_OK;
	case EAGAIN:
	case EBUSY:
		return error_say("unload", NULL, STATUS_FAILED,
				 "It is in use: somebody has a descriptor or a mapping");
	case ENOENT:
		return error_say("unload", NULL, STATUS_NO_MODULE, "It isn't loaded");
	default:
		return error_tell("unload", NULL, err, err == -EPERM ? "root can do it" : NULL);
	}
}

/* version */

struct module {
	char version[64]; /* "" if it isn't loaded */
	bool has_info;
	struct ipcshm_info info;
};

static const char *const features[] = { "region", "queue", "members", "messages",
					"call",	  "pool",  NULL };

static const struct argp_option version_options[] = { OPTION_JSON, { 0 } };

static error_t parse_version(int key, char *argument, struct argp_state *state)
{
	(void)argument;
	if (key != 'j')
		return ARGP_ERR_UNKNOWN;
	*(bool *)state->input = true;
	return 0;
}

static void ask(struct module *module)
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
	module->has_info = !ipcshm_info(device, &module->info, sizeof(module->info));
	close(device);
}

static void print_json(const struct module *module)
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

static void print(const struct module *module)
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

	command_parse(self, version_options, parse_version, argc, argv, &json);
	ask(&module);
	if (json)
		print_json(&module);
	else
		print(&module);
	return STATUS_OK;
}
