/* Durations as Go writes them: "300ms", "1m30s", "-1.5h". Any thread. */
#ifndef SEAMARK_CONF_DURATION_P_H
#define SEAMARK_CONF_DURATION_P_H

#include <stdint.h>

/* Reads a duration into milliseconds; what is left of one is rounded away from zero, so that 1us is not
 * "never". ERR_OK; ERR_MALFORMED, also for one of more than 292 years, which Go cannot hold either. */
int duration_read(const char *text, int64_t *out_ms);

#endif
