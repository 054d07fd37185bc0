/*
 * Reading the words of a directive: numbers, durations, zones, with errors that name file, line and what was
 * expected: `Corefile:12 - cache: expected a duration such as 5s or 1m30s, found "abc"`. Control thread only.
 */
#ifndef SEAMARK_CONF_ARGS_H
#define SEAMARK_CONF_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "conf/corefile.h"

/* Sets `e` to "FILE:LINE - plugin/NAME: text" and returns ERR_CONFIG. `plugin` is the plugin's name; `d` the
 * line. */
int args_error(struct errtext *e, const char *plugin, const struct directive *d, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Checks the number of words behind the name: at least min, at most max. */
int args_count(struct errtext *e, const char *plugin, const struct directive *d, size_t min, size_t max);

/* A decimal number from min to max. */
int args_uint(struct errtext *e, const char *plugin, const struct directive *d, const char *word,
              uint64_t min, uint64_t max, uint64_t *out);

/* A Go duration ("300ms", "1m30s", "-1s" where min < 0), in milliseconds (rounded up from ns and us). A bare
 * number other than 0 is an error, as in Go. */
int args_duration(struct errtext *e, const char *plugin, const struct directive *d, const char *word,
                  int64_t min_ms, int64_t max_ms, int64_t *out_ms);

/* A number of octets from min to max, with or without a unit: KiB, MiB, GiB (Ki, Mi, Gi), KB, MB, GB, in any
 * case of letters. */
int args_octets(struct errtext *e, const char *plugin, const struct directive *d, const char *word,
                uint64_t min, uint64_t max, uint64_t *out);

/* An option that CoreDNS knows and this build does not do yet: an error that says so. Returns ERR_CONFIG. */
int args_not_yet(struct errtext *e, const char *plugin, const struct directive *d);

/* A list of zones in presentation form, lower case, absolute; a CIDR gives one or several reverse zones (not
 * only on octet and nibble boundaries). Owned by the caller: zone_list_free. */
struct zone_list {
    char **zones;
    size_t count;
};
/* Adds the zones of a word; one that is there already is not added again. A scheme and a port are left out,
 * as CoreDNS does. ERR_OK, ERR_MALFORMED, ERR_LIMIT (4096 zones), -ENOMEM; what was added before an error
 * stays. */
int zone_list_add(struct zone_list *list, const char *word);
/* Adds a word as it is, once: for lists of names that are no zones. ERR_OK, ERR_LIMIT, -ENOMEM. */
int zone_list_add_plain(struct zone_list *list, const char *word);
void zone_list_free(struct zone_list *list);
/* The longest zone of the list that `name` (presentation, absolute, lower case) is at or below; NULL where
 * none. */
const char *zone_list_match(const struct zone_list *list, const char *name);

/* Adds the zones of the arguments from number `first` on; where there are none, those of the server block's
 * keys (`b` may be NULL: then none). ERR_CONFIG, -ENOMEM; the caller frees the list in any case. */
int args_zones(struct errtext *e, const char *plugin, const struct directive *d, size_t first,
               const struct server_block *b, struct zone_list *list);

#endif
