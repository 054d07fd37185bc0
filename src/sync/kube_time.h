/* Times as the API server writes them: RFC 3339, with or without a fraction ("2026-03-01T12:00:00.25Z"). Any
 * thread. */
#ifndef SEAMARK_SYNC_KUBE_TIME_H
#define SEAMARK_SYNC_KUBE_TIME_H

#include <stdint.h>

/* Unix time in milliseconds (what is finer is cut off), or 0 where `text` is not a time of 1970 to 9999. */
uint64_t kube_time_ms(const char *text);

#endif
