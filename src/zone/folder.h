/* The folder of the zone files, DIR, as both programs choose it. */
#ifndef SEAMARK_ZONE_FOLDER_H
#define SEAMARK_ZONE_FOLDER_H

#include "base/err.h"

#define FOLDER_DEFAULT "/var/lib/seamark/zones"
#define FOLDER_FALLBACK                                                                                      \
    "/dev/shm/seamark" /* where the default cannot be written: a read-only root file system */

/* `wanted` (from -zones) or, where that is NULL, the default, or the fallback where the default cannot be
 * made or written. Makes the folder and those above it. Returns a static string or `wanted`. On failure NULL
 * with `e` set. */
const char *folder_choose(const char *wanted, struct errtext *e);

/* The same for a program that only reads what another one writes: makes nothing, and need not be able to
 * write. */
const char *folder_find(const char *wanted);

#endif
