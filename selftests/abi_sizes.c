// SPDX-License-Identifier: GPL-2.0-only
/*
 * The binary interface, of every ioctl: each size of its structure, the directions of its number,
 * pointers, descriptors of other kinds and 32-bit callers.
 */
#include <sys/syscall.h>

#include "abi_fixture.h"
#include "common/abi.h"
#include "common/harness.h"
#include "layout.h"

/*
 * Tests of every command.
 */
FIXTURE(command) {
	struct world world;
	unsigned long number;
	size_t size;
	int fd;
};

FIXTURE_VARIANT(command) {
	enum form form;
};

#define FORM(_form, variant, ...)					\
	FIXTURE_VARIANT_ADD(command, variant) { .form = _form };
#include "common/forms.h"

FIXTURE_SETUP(command)
{
	ASSERT_TRUE(world_begin(&self->world));
	self->number = forms[variant->form].number;
	self->size = forms[variant->form].size;
	self->fd = self->world.fd[forms[variant->form].target];
	prepare_world(&self->world, variant->form);
	fill_args(&self->world, variant->form, self->world.args);
}

FIXTURE_TEARDOWN(command)
{
	world_end(&self->world);
}

TEST_F(command, succeeds_with_each_size_from_the_first_published)
{
	for (size_t size = forms[variant->form].least; size <= self->size; size++) {
		prepare_world(&self->world, variant->form);
		fill_args(&self->world, variant->form, self->world.args);
		EXPECT_TRUE(call_succeeds(&self->world, variant->form,
					  resize_number(self->number, size), self->world.args));
	}
}

TEST_F(command, writes_no_more_than_the_callers_room)
{
	const size_t least = forms[variant->form].least;
	char canary[sizeof(self->world.args->bytes)];

	memset(canary, 0xa5, sizeof(canary));
	memset(self->world.args->bytes + least, 0xa5, sizeof(canary) - least);
	EXPECT_TRUE(call_succeeds(&self->world, variant->form, resize_number(self->number, least),
			     self->world.args));
	EXPECT_EQ(0, memcmp(canary, self->world.args->bytes + least, sizeof(canary) - least));
}

TEST_F(command, refuses_each_size_under_the_first_published)
{
	for (size_t size = 0; size < forms[variant->form].least; size++) {
		EXPECT_TRUE(call_is_refused(&self->world, self->fd,
					    resize_number(self->number, size), self->world.args,
					    EINVAL));
	}
}

TEST_F(command, accepts_unknown_members_that_are_zero)
{
	const size_t sizes[] = { self->size + 1, self->size + 8, 4095, 4096, 4097, SIZE_MAX_IOC };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		char zero[sizeof(union args)] = { 0 };

		prepare_world(&self->world, variant->form);
		fill_args(&self->world, variant->form, self->world.args);
		EXPECT_TRUE(call_succeeds(&self->world, variant->form,
					  resize_number(self->number, sizes[i]), self->world.args));
		EXPECT_EQ(0, memcmp(zero, self->world.args->bytes + self->size,
				    sizeof(zero) - self->size));
	}
}

TEST_F(command, refuses_unknown_members_that_are_not_zero)
{
	const size_t sizes[] = { self->size + 1, self->size + 8, 4096, SIZE_MAX_IOC };

	if (forms[variant->form].does & ALL_OUT)
		SKIP(return, "it isn't looked at");
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		const size_t places[] = { self->size, (self->size + sizes[i]) / 2, sizes[i] - 1 };

		for (size_t j = 0; j < ARRAY_SIZE(places); j++) {
			self->world.args->bytes[places[j]] = 1;
			EXPECT_TRUE(call_is_refused(&self->world, self->fd,
						    resize_number(self->number, sizes[i]),
						    self->world.args, E2BIG));
			self->world.args->bytes[places[j]] = 0;
		}
	}
}

TEST_F(command, zeroes_unknown_members_of_output)
{
	const size_t sizes[] = { self->size + 1, self->size + 8, 4096, SIZE_MAX_IOC };
	const char zero[sizeof(union args)] = { 0 };

	if (!(forms[variant->form].does & ALL_OUT))
		SKIP(return, "it is looked at");
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		memset(self->world.args, 0xff, sizeof(union args));
		EXPECT_TRUE(call_succeeds(&self->world, variant->form,
					  resize_number(self->number, sizes[i]), self->world.args));
		EXPECT_EQ(0, memcmp(zero, self->world.args->bytes + self->size,
				    sizes[i] - self->size));
		EXPECT_TRUE(sizes[i] == SIZE_MAX_IOC || self->world.args->bytes[sizes[i]]);
	}
}

TEST_F(command, refuses_other_directions)
{
	const unsigned int directions[] = { _IOC_NONE, _IOC_READ, _IOC_WRITE };

	for (size_t i = 0; i < ARRAY_SIZE(directions); i++) {
		EXPECT_TRUE(call_is_refused(&self->world, self->fd,
					    redirect_number(self->number, directions[i]),
					    self->world.args, ENOTTY));
	}
}

TEST_F(command, refuses_another_magic_number)
{
	const unsigned long number = _IOC(_IOC_READ | _IOC_WRITE, IPCSHM_IOC_MAGIC - 1,
					  _IOC_NR(self->number), self->size);

	EXPECT_TRUE(call_is_refused(&self->world, self->fd, number, self->world.args, ENOTTY));
}

TEST_F(command, is_unknown_to_other_kinds_of_descriptors)
{
	int fds[TARGETS + 4], count = 0;

	for (enum target i = 0; i < TARGETS; i++)
		if (i != forms[variant->form].target)
			fds[count++] = self->world.fd[i];
	ASSERT_EQ(0, pipe2(&fds[count], O_CLOEXEC));
	fds[count + 2] = open("/dev/null", O_RDWR | O_CLOEXEC);
	fds[count + 3] = syscall(SYS_memfd_create, "plain", 0);
	count += 4;
	for (int i = 0; i < count; i++) {
		ASSERT_LE(0, fds[i]);
		EXPECT_TRUE(call_is_refused(&self->world, fds[i], self->number, self->world.args,
					    ENOTTY));
		EXPECT_TRUE(call_fails(&self->world, fds[i], self->number, NULL, ENOTTY));
	}
}

TEST_F(command, refuses_an_address_without_memory)
{
	char *const places[] = { NULL, (char *)1, self->world.edge, (char *)KERNEL_ADDRESS,
		(char *)(uintptr_t)HOLE_ADDRESS, (char *)LONG_MIN, (char *)-1L };

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		EXPECT_TRUE(call_fails(&self->world, self->fd, self->number, places[i], EFAULT));
		EXPECT_TRUE(call_fails(&self->world, self->fd,
				       resize_number(self->number, SIZE_MAX_IOC), places[i],
				       EFAULT));
		EXPECT_TRUE(call_fails(&self->world, self->fd, resize_number(self->number, 0),
				       places[i], EINVAL));
	}
}

TEST_F(command, refuses_a_structure_that_is_only_partly_there)
{
	for (size_t there = 1; there < self->size; there++) {
		char *place = self->world.edge - there;

		memcpy(place, self->world.args, there);
		EXPECT_TRUE(call_fails(&self->world, self->fd, self->number, place, EFAULT));
		/* the part of an answer that fits may have been written */
		if (!(forms[variant->form].does & ALL_OUT)) {
			EXPECT_EQ(0, memcmp(place, self->world.args, there));
		}
	}
}

TEST_F(command, refuses_a_longer_structure_that_is_only_partly_there)
{
	char *place = self->world.edge - self->size - 8;

	memcpy(place, self->world.args, self->size + 8);
	EXPECT_TRUE(call_fails(&self->world, self->fd, resize_number(self->number, self->size + 9),
			       place, EFAULT));
	EXPECT_TRUE(call_fails(&self->world, self->fd, resize_number(self->number, SIZE_MAX_IOC),
			       place, EFAULT));
}

TEST_F(command, reads_and_writes_up_to_the_edge_of_memory)
{
	char *place = self->world.edge - self->size;

	memcpy(place, self->world.args, self->size);
	EXPECT_TRUE(call_succeeds(&self->world, variant->form, self->number, place));
}

/* A new object must go with the answer that can't be given, a message come back. */
TEST_F(command, has_no_effect_if_the_answer_cant_be_written)
{
	char *page = map_anonymous(1, PROT_READ | PROT_WRITE);

	if (forms[variant->form].does & ASKS)
		SKIP(return, "a request that was answered can't be taken back");
	ASSERT_NE(NULL, page);
	memcpy(page, self->world.args, self->size);
	ASSERT_EQ(0, mprotect(page, system_page_size(), PROT_READ));
	if (forms[variant->form].does & (OUT | ALL_OUT)) {
		EXPECT_TRUE(call_fails(&self->world, self->fd, self->number, page, EFAULT));
	} else {
		EXPECT_TRUE(call_succeeds(&self->world, variant->form, self->number, page));
	}
}

TEST_F(command, has_no_effect_if_the_end_of_the_answer_cant_be_written)
{
	char *pages = map_anonymous(2, PROT_READ | PROT_WRITE), *place;

	if (!(forms[variant->form].does & (OUT | ALL_OUT)) || forms[variant->form].target == QUEUE)
		SKIP(return, "the structure doesn't end with an answer");
	ASSERT_NE(NULL, pages);
	place = pages + system_page_size() - self->size + 8;
	memcpy(place, self->world.args, self->size);
	ASSERT_EQ(0, mprotect(pages + system_page_size(), system_page_size(), PROT_READ));
	EXPECT_TRUE(call_fails(&self->world, self->fd, self->number, place, EFAULT));
}

TEST_F(command, refuses_a_closed_descriptor)
{
	int closed = dup(self->fd);

	ASSERT_LE(0, closed);
	close(closed);
	EXPECT_TRUE(call_is_refused(&self->world, closed, self->number, self->world.args, EBADF));
}

TEST_F(command, refuses_a_descriptor_opened_as_a_path)
{
	int path = open(TEST_DEVICE, O_PATH | O_CLOEXEC);

	ASSERT_LE(0, path);
	EXPECT_TRUE(call_is_refused(&self->world, path, self->number, self->world.args, EBADF));
}

#ifdef __x86_64__
/* The entry of 32-bit programs, which a 64-bit one can use as well. */
static int call_as_32_bit(int fd, unsigned long number, void *argument)
{
	int result;

	asm volatile("int $0x80"
		     : "=a" (result)
		     : "a" (54 /* ioctl */), "b" (fd), "c" (number), "d" (argument)
		     : "memory", "r8", "r9", "r10", "r11");
	return result;
}

static bool has_32_bit_entry(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(call_as_32_bit(-1, 0, NULL) == -EBADF ? 0 : 1);
	return wait_child(pid) == 0;
}

TEST_F(command, serves_32_bit_callers)
{
	struct world *world = &self->world;
	struct snapshot before, after;
	int result;
	void *low;

	if (!has_32_bit_entry())
		SKIP(return, "this kernel has no 32-bit programs");
	low = mmap(NULL, system_page_size(), PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	ASSERT_NE(MAP_FAILED, low);
	memcpy(low, world->args, self->size);
	EXPECT_EQ(-EINVAL,
		  call_as_32_bit(self->fd,
				 resize_number(self->number, forms[variant->form].least - 1), low));
	EXPECT_EQ(-EFAULT, call_as_32_bit(self->fd, self->number, NULL));
	before = take_snapshot(world);
	result = call_as_32_bit(self->fd, self->number, low);
	after = take_snapshot(world);
	if (forms[variant->form].answer) {
		EXPECT_EQ(forms[variant->form].answer, result);
	} else {
		EXPECT_LE(0, result);
	}
	EXPECT_EQ(!!(forms[variant->form].does & EFFECT), !is_same_snapshot(&before, &after));
	close_answer(self->number, result);
}
#endif

IPCSHM_TEST_MAIN
