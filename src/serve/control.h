/*
 * Services of the control thread (the main thread) to plugins: its event loop, and what a plugin may ask of
 * the process.
 */
#ifndef SEAMARK_SERVE_CONTROL_H
#define SEAMARK_SERVE_CONTROL_H

#include <event2/event.h>
#include <stdbool.h>

#include "serve/config.h"

struct event_base *control_base(void); /* control thread only */
bool control_draining(void);           /* SIGTERM was received; any thread */

/* Reads the Corefile again and, where it loads, swaps it in. Used by signals and by the reload plugin.
 * Control thread. */
int control_reload(struct errtext *e);
const char *control_corefile_path(void);
/* Hash of the corefile in force. */
uint64_t control_corefile_hash(void);
const char *control_zones_folder(void);

/* Runs fn(ctx) in the control thread soon. Any thread. */
int control_post(void (*fn)(void *ctx), void *ctx);

/* The longest lameduck that plugins asked for; the health plugin sets it. Milliseconds. Control thread. */
void control_set_lameduck(int64_t ms);
/* Ends the process with this exit status after cleaning up; the loop plugin under -loop-exit. Any thread. */
void control_exit(int status);

/* Whether -loop-exit was given: a forwarding loop ends the process, as CoreDNS's does. Set once by main; any
 * thread. */
void control_set_loop_exit(bool on);
bool control_loop_exit(void);

#endif
