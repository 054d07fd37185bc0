/*
 * A clock that stands still until the test moves it on, for the program and for libevent's timers: in place
 * of the C library's function, at link time. Included by one file of a program.
 */
#ifndef SEAMARK_TESTS_PLAYED_CLOCK_H
#define SEAMARK_TESTS_PLAYED_CLOCK_H

#include <event2/event.h>
#include <stdint.h>
#include <time.h>

static uint64_t played_ns = UINT64_C(1000000000000);

int clock_gettime(clockid_t id, struct timespec *ts)
{
    (void)id;
    *ts = (struct timespec){.tv_sec = (time_t)(played_ns / 1000000000u),
                            .tv_nsec = (long)(played_ns % 1000000000u)};
    return 0;
}

/* So much later, timers that are due then have fired. One that is set meanwhile waits for the next time. */
static inline void let_pass(struct event_base *base, unsigned ms)
{
    played_ns += ms * UINT64_C(1000000);
    event_base_loop(base, EVLOOP_NONBLOCK);
}

#endif
