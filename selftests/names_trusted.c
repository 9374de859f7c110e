// SPDX-License-Identifier: GPL-2.0-only
/* Opening with IPCSHM_TRUSTED: no object of a user who took the name first. */
#include "common/harness.h"
#include "names_fixture.h"

#define TRUSTED IPCSHM_TRUSTED

#define ATTEMPT_AS(user, rights)					\
	attempt_as(user, &(struct attempt) { self->device, self->kind,	\
					     self->name.text, rights, false })

TEST_F(name, trusted_object_is_the_callers_own)
{
	int fd;

	SKIP_UNLESS_ROOT;
	fd = create_as(make_user(0), self->device, self->kind, self->name.text, R | W | TRUSTED,
		       0666);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, ATTEMPT_AS(make_user(0), R | W | TRUSTED));
	EXPECT_EQ(0, ATTEMPT_AS(make_user(1), R | W));
	EXPECT_EQ(-EPERM, ATTEMPT_AS(make_user(1), R | W | TRUSTED));
	close(fd);
}

TEST_F(name, trusted_object_is_roots)
{
	int fd;

	SKIP_UNLESS_ROOT;
	fd = OPEN(R | W | C | X | TRUSTED, 0644);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, TRY(R | TRUSTED));
	EXPECT_EQ(0, ATTEMPT_AS(make_user(1), R | TRUSTED));
	EXPECT_EQ(-EACCES, ATTEMPT_AS(make_user(1), R | W | TRUSTED));
	close(fd);
}

/* The right of root to open all objects does not make them trusted. */
TEST_F(name, trusted_object_is_no_users_to_root)
{
	int fd;

	SKIP_UNLESS_ROOT;
	fd = create_as(make_user(0), self->device, self->kind, self->name.text, R | W, 0666);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, TRY(R | W));
	EXPECT_EQ(-EPERM, TRY(R | W | TRUSTED));
	EXPECT_EQ(-EPERM, OPEN(R | W | C | TRUSTED, 0600));
	ASSERT_EQ(0, fchown(fd, 0, -1));
	EXPECT_EQ(0, TRY(R | W | TRUSTED));
	ASSERT_EQ(0, UNLINK());
	close(fd);
	fd = OPEN(R | W | C | TRUSTED, 0600);
	EXPECT_LE(0, fd);
	close(fd);
}

TEST_HARNESS_MAIN
