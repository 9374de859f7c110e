// SPDX-License-Identifier: GPL-2.0-only
/* ipcshm load */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "error.h"
#include "input_kmod.h"

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

static error_t parse_load_argument(int key, char *argument, struct argp_state *state)
{
	struct load *load = state->input;

	if (key != ARGP_KEY_ARG)
		return ARGP_ERR_UNKNOWN;
	if (strchr(argument, '='))
		add_parameter(state, load->parameters, sizeof(load->parameters), argument);
	else if (strchr(argument, '/') && !load->module)
		load->module = argument;
	else
		argp_error(state, "invalid argument \"%s\" (PARAMETER=VALUE, or a file with a \"/\")",
			   argument);
	return 0;
}

static const char *find_remedy(int err)
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
	struct load load = { .module = NULL };
	const char *module;
	int err;

	command_parse(self, NULL, parse_load_argument, argc, argv, &load);
	module = load.module ? load.module : KMOD_NAME;
	err = kmod_load(module, load.parameters);
	if (!err)
		return STATUS_OK;
	if (err == -EEXIST)
		return error_print("load", module, STATUS_FAILED, "already loaded",
				   "\"ipcshm unload\" unloads the module");
	if (err == -ENOENT && !load.module)
		return error_print("load", module, STATUS_FAILED, "not installed for this kernel",
				   "build and install it, or name the file");
	if (err == -ENOENT)
		return error_print("load", module, STATUS_FAILED, "no such file", NULL);
	return error_print_errno("load", module, err, find_remedy(err));
}
