/* What `template` counts: coredns_template_matches_total and its like, for each listener and zone. */
#ifndef SEAMARK_TEMPLATE_TEMPLATE_SERIES_H
#define SEAMARK_TEMPLATE_TEMPLATE_SERIES_H

#include "serve/config.h"
#include "template/template_data.h"

enum template_failure { TEMPLATE_FAILED, TEMPLATE_RR_FAILED };

struct template_series;

/* Registers the series of a rule in a block. NULL: no memory. Control thread. */
struct template_series *template_series_new(const struct config *c, const struct block *b,
                                            const struct template_rule *rule);
void template_series_free(struct template_series *s); /* NULL allowed; the counters stay */

/* In workers. */
void template_count_match(const struct template_series *s, const struct template_data *d);
void template_count_failure(const struct template_series *s, const struct template_data *d, size_t record,
                            enum template_failure failure);

#endif
