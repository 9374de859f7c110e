// SPDX-License-Identifier: GPL-2.0-only
/*
 * relay COMMAND [ARGUMENT]...: run it with a pseudo-terminal of its own as stdout
 * and stderr, copy what it writes to our stdout in large pieces, exit with its
 * status.
 *
 * In the guest a write to the console costs a trip through QEMU, which a command
 * that writes line by line would pay for each line.  A pipe would be as cheap,
 * but then programs keep what they print to themselves until they end.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static void fail_with(const char *what)
{
	perror(what);
	exit(126);
}

static int open_terminal(int *slave)
{
	struct termios raw;
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);

	if (master < 0 || grantpt(master) || unlockpt(master))
		fail_with("relay: pseudo-terminal");
	*slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (*slave < 0 || tcgetattr(*slave, &raw))
		fail_with("relay: pseudo-terminal");
	cfmakeraw(&raw);
	tcsetattr(*slave, TCSANOW, &raw);
	return master;
}

/* Whatever is there now; a read looks into the kernel's own buffers before EAGAIN. */
static void copy_bytes(int from)
{
	static char buffer[65536];
	ssize_t size, done, n;

	while ((size = read(from, buffer, sizeof(buffer))) > 0) {
		for (done = 0; done < size; done += n) {
			n = write(STDOUT_FILENO, buffer + done, (size_t)(size - done));
			if (n < 0)
				fail_with("relay: write");
		}
	}
}

int main(int argc, char **argv)
{
	int slave, status, master = open_terminal(&slave);
	struct pollfd fds[2] = { { .fd = master, .events = POLLIN }, { .events = POLLIN } };
	pid_t child;

	if (argc < 2)
		return 125;
	child = fork();
	if (child < 0)
		fail_with("relay: fork");
	if (child == 0) {
		dup2(slave, STDOUT_FILENO);
		dup2(slave, STDERR_FILENO);
		execvp(argv[1], argv + 1);
		perror(argv[1]);
		_exit(errno == ENOENT ? 127 : 126);
	}
	/* The slave stays open here, so that the master never reports a hang-up. */
	fds[1].fd = pidfd_open(child, 0);
	if (fds[1].fd < 0)
		fail_with("relay: pidfd_open");
	do {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			fail_with("relay: poll");
		copy_bytes(master);
	} while (!fds[1].revents);
	copy_bytes(master);
	waitpid(child, &status, 0);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
