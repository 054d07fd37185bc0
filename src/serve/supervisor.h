/*
 * seamark-sync as a child of seamark: started, watched over, started again with back-off when it ends, told
 * of reloads, taken down. Control thread.
 */
#ifndef SEAMARK_SERVE_SUPERVISOR_H
#define SEAMARK_SERVE_SUPERVISOR_H

#include <event2/event.h>
#include <stdbool.h>

/* Starts watching over `seamark-sync -conf CONF -zones ZONES`, the program beside this one. Nothing runs
 * until wanted. */
int supervisor_start(struct event_base *base, const char *conf, const char *zones);
/* Whether the configuration has something for it to do: starts it, or takes it down. */
void supervisor_want(bool wanted);
/* The Corefile has changed: passed on as SIGHUP. */
void supervisor_reload(void);
/* A child has ended (SIGCHLD). */
void supervisor_reap(void);
/* Takes it down and waits for it, 3 seconds at the most. */
void supervisor_stop(void);

#endif
