/*
 * Large buffers that a thread needs within a call: too large for a stack. An array that is _Thread_local is
 * cleared, hence resident, in every thread from its birth, whether or not it ever comes that way. This one is
 * made when it is first asked for, and freed with the thread:
 *
 *     static _Thread_local void *own;
 *     struct desk *desk = thread_buffer(&own, sizeof *desk);
 */
#ifndef SEAMARK_BASE_THREAD_BUFFER_H
#define SEAMARK_BASE_THREAD_BUFFER_H

#include <stddef.h>

/* `size` octets, zero at the first time; NULL without memory. `own` is a _Thread_local pointer. */
void *thread_buffer(void **own, size_t size);

#endif
