// SPDX-License-Identifier: GPL-2.0-only
/* Large service: images of 1 MiB are rendered by two servers, one of which is killed. */
#include <errno.h>
#include <inttypes.h>
#include <ipcshm-service.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SERVERS		2
#define CALLS		1000
#define IMAGE		(1 << 20)	/* bytes */
#define TIMEOUT		10000000000ULL	/* nanoseconds */

struct scene {
	uint64_t number;
	unsigned char color;
};

static long check(long result, const char *what)
{
	if (result >= 0)
		return result;
	fprintf(stderr, "large-service: %s: %s\n", what, strerror((int)-result));
	exit(EXIT_FAILURE);
}

/* Any process may come first; it creates the service. */
static void open_service(struct ipcshm_service *service, int device)
{
	struct ipcshm_service_attr attr = {
		.max_request_size = sizeof(struct scene),
		.max_reply_size = IMAGE,
		.request_type = "scene",
		.reply_type = "image",
	};

	check(ipcshm_service_open(service, device, "render", 0, 0640, &attr,
				  ipcshm_deadline(TIMEOUT)), "open render");
}

/* Draws straight into the memory that the client reads. */
static void serve_one(struct ipcshm_server *server)
{
	struct ipcshm_service_request request;
	struct ipcshm_service_reply image;
	const struct scene *scene;
	long ret;

	check(ipcshm_server_take(server, &request, IPCSHM_FOREVER), "take");
	scene = request.data;
	ret = ipcshm_server_loan(server, &request, IMAGE, &image, IPCSHM_FOREVER);
	if (ret == -ECANCELED)		/* the client has given up */
		return;
	check(ret, "loan");
	memset(image.data, scene->color, IMAGE);
	ipcshm_server_reply(server, &request, &image, 0);
}

static void serve(int device)
{
	struct ipcshm_service service;
	struct ipcshm_server server;

	open_service(&service, device);
	check(ipcshm_server_attach(&server, &service), "attach");
	for (;;)
		serve_one(&server);
}

static uint64_t call(struct ipcshm_client *client, uint64_t number)
{
	struct ipcshm_service_request request;
	struct scene *scene;

	check(ipcshm_client_loan(client, sizeof(*scene), &request, ipcshm_deadline(TIMEOUT)),
	      "loan");
	scene = request.data;
	*scene = (struct scene) { .number = number, .color = (unsigned char)number };
	check(ipcshm_client_call(client, &request, IPCSHM_SERVICE_RETRY), "call");
	return request.id;
}

static int show(struct ipcshm_client *client, uint64_t id, uint64_t number)
{
	struct ipcshm_service_reply image;
	const unsigned char *pixels;
	int good;

	check(ipcshm_client_take(client, id, &image, ipcshm_deadline(TIMEOUT)), "take");
	pixels = image.data;
	good = image.size == IMAGE && pixels[0] == (unsigned char)number &&
	       pixels[IMAGE - 1] == (unsigned char)number;
	check(ipcshm_client_release(client, &image), "release");
	return good;
}

int main(void)
{
	int device = (int)check(ipcshm_open(), "open /dev/ipcshm");
	struct ipcshm_service service;
	struct ipcshm_service_stat stat;
	struct ipcshm_client client;
	pid_t servers[SERVERS];
	uint64_t id, before;
	int good = 0;

	open_service(&service, device);
	for (int i = 0; i < SERVERS; i++) {
		servers[i] = (pid_t)check(fork(), "fork");
		if (!servers[i])
			serve(device);
	}
	check(ipcshm_client_attach(&client, &service), "attach");
	check(ipcshm_service_wait(&service, 1, SERVERS, ipcshm_deadline(TIMEOUT)), "wait");
	/* Two calls are outstanding, so that both servers work. */
	before = call(&client, 0);
	for (uint64_t number = 1; number < CALLS; number++) {
		id = call(&client, number);
		if (number == CALLS / 2)
			kill(servers[0], SIGKILL);
		good += show(&client, before, number - 1);
		before = id;
	}
	good += show(&client, before, CALLS - 1);
	check(ipcshm_service_get_stat(&service, &stat, sizeof(stat)), "stat");
	printf("%d of %d images, one server killed, %" PRIu64 " calls retried\n", good, CALLS,
	       stat.retried);
	for (int i = 0; i < SERVERS; i++) {
		kill(servers[i], SIGKILL);
		waitpid(servers[i], NULL, 0);
	}
	ipcshm_client_detach(&client);
	ipcshm_service_close(&service);
	return good == CALLS ? EXIT_SUCCESS : EXIT_FAILURE;
}
