/*
 * Who has to be ready before /ready says so. A plugin registers a question when it starts and takes it back
 * when it stops; the ready plugin asks. Control thread only.
 */
#ifndef SEAMARK_HTTP_READINESS_H
#define SEAMARK_HTTP_READINESS_H

#include <stdbool.h>

#include "base/bytes.h"

struct readiness;

/* `plugin` is static. NULL without memory: then the plugin does not hold readiness up. */
struct readiness *readiness_register(const char *plugin, bool (*ready)(void *ctx), void *ctx);
void readiness_unregister(struct readiness *r); /* NULL allowed */

/* Asks everybody, or, where not `continuously`, only those who have never been ready yet. Appends the names
 * of those who are not, in alphabetical order, each once, separated by commas. Returns whether all are ready.
 */
bool readiness_check(bool continuously, struct bytes *names);

#endif
