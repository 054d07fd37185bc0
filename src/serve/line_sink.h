/*
 * Lines from workers to stdout, for plugins that write one for a query: nothing blocks and nothing grows.
 * Each worker collects lines in a buffer of its own until the turn of its loop is over or there are 16 KiB;
 * where many came in the turn before, for up to 10 ms. While stdout takes nothing (a full
 * pipe) they stay in the buffer, and when it is full further lines are dropped and counted in
 * seamark_log_dropped_lines_total. Lines of several workers never mix.
 */
#ifndef SEAMARK_SERVE_LINE_SINK_H
#define SEAMARK_SERVE_LINE_SINK_H

#include <stddef.h>

#include "serve/worker.h"

#define LINE_SINK_LINE_MAX                                                                                   \
    4096 /* octets of a line, its newline too: what a pipe takes whole (PIPE_BUF); longer ones are cut */

/* Makes the worker's buffer, or shares it with who has made it. From worker_start. -ENOMEM. */
int line_sink_open(struct worker *w, struct errtext *e);
/* From worker_stop: the last one writes out what can be written. */
void line_sink_close(struct worker *w);

/* Takes a line that ends in a newline. In the worker's thread, between open and close. */
void line_sink_write(struct worker *w, const char *line, size_t len);

#endif
