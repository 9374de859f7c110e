// SPDX-License-Identifier: GPL-2.0-only
/* The module, and /dev/ipcshm. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/build_bug.h>
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/kstrtox.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/sysfs.h>
#include <linux/seq_file.h>

#include "compat.h"
#include "device.h"
#include "huge.h"
#include "quota.h"
#include "netlink.h"
#include "netlink_notify.h"
#include "queue_open.h"
#include "region.h"
#include "registry.h"
#include "shmem.h"
#include "waiter.h"
#include "work.h"

struct workqueue_struct *ipcshm_workqueue;

/* A file of the device keeps its opener's network namespace, as a socket does. */
static int device_open(struct inode *inode, struct file *file)
{
	file->private_data = ipcshm_registry_get_current();
	return 0;
}

static int device_release(struct inode *inode, struct file *file)
{
	ipcshm_registry_put(ipcshm_device_registry(file));
	return 0;
}

/* Descriptors of the device also hold the module; this line identifies them. */
static void device_show_fdinfo(struct seq_file *seq, struct file *file)
{
	seq_puts(seq, "ipcshm-kind:\tdevice\n");
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.show_fdinfo = device_show_fdinfo,
	.open = device_open,
	.release = device_release,
	.unlocked_ioctl = ipcshm_device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "ipcshm",
	.fops = &device_fops,
	.mode = 0666,
};

/* Parse permission bits in octal, as chmod(1) does: 660 is rw-rw----. */
static int mode_set(const char *text, const struct kernel_param *param)
{
	u16 mode;

	if (kstrtou16(text, 8, &mode) || mode & ~0777) {
		pr_err("mode: \"%s\" is not valid (permission bits in octal, 0 to 0777)\n", text);
		return -EINVAL;
	}
	*(umode_t *)param->arg = mode;
	return 0;
}

static int mode_get(char *text, const struct kernel_param *param)
{
	return sysfs_emit(text, "%04o\n", *(umode_t *)param->arg);
}

static const struct kernel_param_ops mode_ops = {
	.set = mode_set,
	.get = mode_get,
};

module_param_cb(mode, &mode_ops, &device.mode, 0444);
MODULE_PARM_DESC(mode, "Permission bits of /dev/ipcshm, in octal (default: 0666)");

/*
 * Layouts are equal for 32-bit and 64-bit callers. Only structures of ioctls, which the tables of
 * ioctls check, and elements of arrays can grow.
 */
static void build_check_abi(void)
{
#define EXACTLY(type, size) BUILD_BUG_ON(sizeof(struct type) != (size))
#define AT_LEAST(type, size) BUILD_BUG_ON(sizeof(struct type) < (size))
	EXACTLY(ipcshm_open_how, 40);
	EXACTLY(ipcshm_stat, 56);
	EXACTLY(ipcshm_segment, 16);
	AT_LEAST(ipcshm_message, IPCSHM_MESSAGE_SIZE_VER0);
	EXACTLY(ipcshm_member_page, 64 + 4 * IPCSHM_MEMBERS_MAX);
	AT_LEAST(ipcshm_member, IPCSHM_MEMBER_SIZE_VER0);
	AT_LEAST(ipcshm_region_word, IPCSHM_REGION_WORD_SIZE_VER0);
#undef AT_LEAST
#undef EXACTLY
}

static int __init ipcshm_init(void)
{
	int err;

	build_check_abi();
	err = ipcshm_shmem_init();
	if (err)
		return err;
	ipcshm_quotas_init();
	ipcshm_waiter_init_module();
	ipcshm_workqueue = alloc_workqueue("ipcshm", WQ_UNBOUND, 0);
	if (!ipcshm_workqueue) {
		err = -ENOMEM;
		goto exit_quotas;
	}
	err = ipcshm_queue_file_init();
	if (err)
		goto destroy_workqueue;
	err = ipcshm_notify_init();
	if (err)
		goto exit_queue_file;
	err = ipcshm_region_init();
	if (err)
		goto exit_events;
	err = ipcshm_registry_init();
	if (err)
		goto exit_region;
	ipcshm_huge_init();
	err = ipcshm_netlink_init();
	if (err)
		goto exit_huge;
	err = misc_register(&device);
	if (err)
		goto exit_netlink;
	return 0;

exit_netlink:
	ipcshm_netlink_exit();
exit_huge:
	ipcshm_huge_exit();
	ipcshm_registry_exit();
exit_region:
	ipcshm_region_exit();
exit_events:
	ipcshm_notify_exit();
exit_queue_file:
	ipcshm_queue_file_exit();
destroy_workqueue:
	destroy_workqueue(ipcshm_workqueue);
exit_quotas:
	ipcshm_quotas_exit();
	ipcshm_shmem_exit();
	return err;
}

/*
 * Each file and mapping of an object holds the module, so none exists here. Only
 * persistent objects without users are left, and their registries free them.
 */
static void __exit ipcshm_exit(void)
{
	misc_deregister(&device);
	flush_workqueue(ipcshm_workqueue);	/* pending work uses objects and notifications */
	ipcshm_netlink_exit();
	ipcshm_huge_exit();
	ipcshm_registry_exit();
	ipcshm_region_exit();
	ipcshm_notify_exit();
	destroy_workqueue(ipcshm_workqueue);
	ipcshm_queue_file_exit();
	ipcshm_quotas_exit();
	ipcshm_shmem_exit();
}

module_init(ipcshm_init);
module_exit(ipcshm_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Shared regions and message queues for co-operating processes");
MODULE_VERSION("0.2.0");
