// SPDX-License-Identifier: GPL-2.0-only
/* Loading and unloading kernel modules.  The only file that knows libkmod. */
#include "input_kmod.h"

#include <errno.h>
#include <fcntl.h>
#include <libkmod.h>
#include <string.h>

static int insert_file(struct kmod_ctx *context, const char *path, const char *parameters)
{
	struct kmod_module *module;
	int err = kmod_module_new_from_path(context, path, &module);

	if (err < 0)
		return err;
	err = kmod_module_insert_module(module, 0, parameters);
	kmod_module_unref(module);
	return err;
}

static int insert_first(struct kmod_list *modules, const char *parameters)
{
	struct kmod_module *module;
	int err;

	if (!modules)
		return -ENOENT;
	module = kmod_module_get_module(modules);
	err = kmod_module_probe_insert_module(module, KMOD_PROBE_FAIL_ON_LOADED, parameters, NULL,
					      NULL, NULL);
	kmod_module_unref(module);
	return err > 0 ? -EPERM : err; /* one that the configuration forbids */
}

static int insert_name(struct kmod_ctx *context, const char *name, const char *parameters)
{
	struct kmod_list *modules = NULL;
	int err = kmod_module_new_from_lookup(context, name, &modules);

	if (!err)
		err = insert_first(modules, parameters);
	kmod_module_unref_list(modules);
	return err;
}

int kmod_load(const char *module, const char *parameters)
{
	struct kmod_ctx *context = kmod_new(NULL, NULL);
	int err;

	if (!context)
		return -ENOMEM;
	kmod_set_log_priority(context, 0); /* the caller prints the error, once */
	if (strchr(module, '/'))
		err = insert_file(context, module, parameters);
	else
		err = insert_name(context, module, parameters);
	kmod_unref(context);
	return err;
}

static int remove_module(struct kmod_ctx *context, const char *name)
{
	struct kmod_module *module;
	int err = kmod_module_new_from_name(context, name, &module);

	if (err < 0)
		return err;
	err = kmod_module_remove_module(module, O_NONBLOCK);
	kmod_module_unref(module);
	return err;
}

int kmod_unload(const char *name)
{
	struct kmod_ctx *context = kmod_new(NULL, NULL);
	int err;

	if (!context)
		return -ENOMEM;
	kmod_set_log_priority(context, 0);
	err = remove_module(context, name);
	kmod_unref(context);
	return err;
}
