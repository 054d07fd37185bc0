/* Time. Timers and ages use the monotonic clock, which no change of the wall clock moves. Any thread. */
#ifndef SEAMARK_BASE_CLOCK_H
#define SEAMARK_BASE_CLOCK_H

#include <stdint.h>

uint64_t clock_ns(void);       /* monotonic, nanoseconds */
uint64_t clock_ms(void);       /* monotonic, milliseconds */
uint32_t clock_coarse_s(void); /* monotonic, seconds, a cheap read good to some 4 ms; for TTLs */
uint64_t clock_wall_ms(void);  /* Unix time in milliseconds */

#define CLOCK_RFC3339_MAX 32
/* Writes Unix time `ms` as RFC 3339 in UTC with milliseconds. Returns `out`. */
char *clock_rfc3339(uint64_t ms, char out[CLOCK_RFC3339_MAX]);

#endif
