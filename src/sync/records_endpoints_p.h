/* What the files of a unit's endpoints share. */
#ifndef SEAMARK_SYNC_RECORDS_ENDPOINTS_P_H
#define SEAMARK_SYNC_RECORDS_ENDPOINTS_P_H

#include "sync/records.h"
#include "sync/records_label.h"
#include "sync/records_ports.h"

/* One address of the unit. */
struct endpoint {
    const struct slice_data *slice;
    struct store_address address;
    const char *cluster; /* "" where none */
    char label[LABEL_TEXT_MAX];
};

extern const struct port_pick any_port;

/* Addresses and SRV of `list` at `owner`, as far as they have ports that fit. SRV targets are their names
 * below `base`. */
void records_add_endpoints(const struct record_zone *z, const uint8_t *owner, const uint8_t *base,
                           const struct store_unit *unit, const struct endpoint *list, size_t n,
                           const struct port_pick *pick, struct record_set *out);

/* ---- records_zonal.c ---- */
/* The _zone names of a headless service with these endpoints. */
void records_of_topology(const struct record_zone *z, const uint8_t *base, const struct store_unit *unit,
                         const struct endpoint *list, size_t n, struct record_set *out);

#endif
