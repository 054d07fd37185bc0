/* The control thread's loop, for server.c alone; plugins see control.h. */
#ifndef SEAMARK_SERVE_CONTROL_P_H
#define SEAMARK_SERVE_CONTROL_P_H

#include "serve/control.h"

int control_start(struct errtext *e); /* event loop and signals; before any thread is started */
/* Runs until a signal or control_exit() ends it and lameduck is over. Returns the exit status. */
int control_loop(void);
/* Runs the loop for so many milliseconds: signals, HTTP and posted calls go on. */
void control_wait(unsigned ms);
bool control_leaving(void); /* the loop has been left for good: no configuration comes into force now */
bool control_ending_at_once(void); /* a second signal has come */
int64_t control_lameduck(void);
void control_banner(const struct config *c);
void control_free(void);

#endif
