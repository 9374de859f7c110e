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
#include "proc.h"
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
		argp_error(state, "parameters are longer than 4095 bytes");
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
		argp_error(state, "invalid argument \"%s\" (PARAMETER=VALUE, or a file with a \"/\")",
			   argument);
	return 0;
}

static const char *load_hint(int err)
{
	switch (-err) {
	case EPERM:
		return "loading modules needs CAP_SYS_MODULE, which root has";
	case EINVAL:
		return "a parameter has an invalid value, see the kernel log";
	case ENOEXEC:
		return "built for another kernel: build it for this one";
	case EOPNOTSUPP:
		return "this kernel is not supported, see the kernel log";
	case ENOKEY:
	case EKEYREJECTED:
		return "secure boot accepts only modules signed with an enrolled key: see mokutil(1)";
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
	if (err == -EEXIST)
		return error_say("load", load.module, STATUS_FAILED, "already loaded",
				 "\"ipcshm unload\" unloads the module");
	if (err == -ENOENT && load.module == module_name)
		return error_say("load", load.module, STATUS_FAILED, "not installed for this kernel",
				 "build and install it, or name the file");
	if (err == -ENOENT)
		return error_say("load", load.module, STATUS_FAILED, "no such file", NULL);
	return error_tell("load", load.module, err, load_hint(err));
}

/* unload */

static error_t parse_nothing(int key, char *argument, struct argp_state *state)
{
	(void)key;
	(void)argument;
	(void)state;
	return ARGP_ERR_UNKNOWN;
}

struct users {
	char text[256];
	size_t count;
	uint32_t last;
};

/* Adds "actor (12)" for a process that was not the last one added. */
static int add_user(const struct holder *holder, void *data)
{
	struct users *users = data;
	size_t length = strlen(users->text);

	if (users->count && users->last == holder->pid)
		return 0;
	users->last = holder->pid;
	users->count++;
	snprintf(users->text + length, sizeof(users->text) - length, "%s%s (%" PRIu32 ")",
		 length ? ", " : "", *holder->process ? holder->process : "?", holder->pid);
	return 0;
}

/* Descriptors and mappings hold the module: name the processes that have them. */
static int in_use(void)
{
	struct users users = { .count = 0 };
	char hint[sizeof(users.text) + 128];
	size_t hidden = 0;

	proc_holders(add_user, &users, &hidden);
	if (users.count)
		snprintf(hint, sizeof(hint), "descriptors: %s; \"ipcshm holders\" prints each", users.text);
	else
		snprintf(hint, sizeof(hint), "\"ipcshm holders\" prints processes that have a region mapped");
	return error_say("unload", NULL, STATUS_FAILED, "in use", hint);
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
		return in_use();
	case ENOENT:
		return error_say("unload", NULL, STATUS_NO_MODULE, "kernel module not loaded", NULL);
	default:
		return error_tell("unload", NULL, err,
				  err == -EPERM ? "unloading modules needs CAP_SYS_MODULE, which root has"
						: NULL);
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
	module->has_info = !ipcshm_get_info(device, &module->info, sizeof(module->info));
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
	return *module.version ? STATUS_OK : STATUS_NO_MODULE;
}
