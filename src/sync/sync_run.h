/*
 * The daemon as a whole: configuration, folder, blocks, signals. Main thread.
 *
 *   SIGTERM, SIGINT    write what is left, end with 0
 *   SIGHUP, SIGUSR1    read the Corefile again; where it loads and has changed, start anew in the same
 * process (exec), else go on as before
 */
#ifndef SEAMARK_SYNC_SYNC_RUN_H
#define SEAMARK_SYNC_SYNC_RUN_H

#include "sync/sync_options.h"

/* Runs until it is told to end, or with -once until all is written. Returns the exit status: 0, or 1 after an
 * error that it has logged, or SYNC_STATUS_NO_BLOCK. `argv` is for starting anew. */
int sync_run(const struct sync_options *options, char **argv);

#endif
