/* SPDX-License-Identifier: GPL-2.0-only */
/* The commands of ipcshm topic. */
#ifndef TOPIC_COMMAND_H
#define TOPIC_COMMAND_H

#include "command.h"

int topic_create(const struct command *self, int argc, char **argv);
int topic_rm(const struct command *self, int argc, char **argv);
int topic_pub(const struct command *self, int argc, char **argv);
int topic_sub(const struct command *self, int argc, char **argv);
int topic_echo(const struct command *self, int argc, char **argv);
int topic_hz(const struct command *self, int argc, char **argv);
int topic_bw(const struct command *self, int argc, char **argv);
int topic_record(const struct command *self, int argc, char **argv);
int topic_replay(const struct command *self, int argc, char **argv);

#endif /* TOPIC_COMMAND_H */
