/* What the files of the records share: names made by putting labels in front. */
#ifndef SEAMARK_SYNC_RECORDS_P_H
#define SEAMARK_SYNC_RECORDS_P_H

#include "sync/records.h"

/* Puts the label `text` in front of `suffix`. False where the name would be too long. `out` may not be
 * `suffix`. */
bool records_prepend(uint8_t out[NAME_MAX_LEN], const char *text, const uint8_t *suffix);
/* The same with finished wire labels (no root label). */
bool records_prepend_wire(uint8_t out[NAME_MAX_LEN], const void *labels, size_t len, const uint8_t *suffix);
/* SVC.NS.svc.Z */
bool records_unit_name(uint8_t out[NAME_MAX_LEN], const struct record_zone *z, const struct store_unit *unit);

/* The label of a slice's address: the endpoint's own name, or one made of the address. */
void records_endpoint_label(const struct slice_data *d, const struct store_address *a, char out[64]);

/* Calls `add` for the service's own name with all its ports, then for each of their names with the ports of
 * that name, and for names with an empty part (records_ports.h). ERR_OK or -ENOMEM. */
typedef void ports_visit(void *ctx, const uint8_t *owner, const struct store_port *ports, size_t nports);
int records_at_ports(const struct service_data *d, const uint8_t *base, ports_visit *add, void *ctx);

/* A or AAAA. */
void records_add_ip(struct record_set *out, const uint8_t *owner, uint32_t ttl, const struct ip *ip);

/* ---- records_external.c ---- */
/* What stands at and below `base`, the unit's name in the external zone `z`. It has a service and is exposed.
 */
void records_of_external_unit(const struct record_rules *rules, const struct record_zone *z,
                              const uint8_t *base, const struct store_unit *unit, struct record_set *out);
/* PTR records of an external address, at `owner`. */
void records_of_external_address(const struct record_rules *rules, const struct record_zone *z,
                                 const struct store *s, const struct ip *ip, const uint8_t *owner,
                                 struct record_set *out);
/* True where the name server's subtree takes the namespace's place in external zones. */
bool records_hides_namespace(const struct record_rules *rules, const struct store_namespace *n);

/* ---- records_endpoints.c ---- */
/* Everything that the unit's slices make below and, for a headless service, at its name. */
void records_of_endpoints(const struct record_zone *z, const uint8_t *base, const struct store_unit *unit,
                          bool headless, struct record_set *out);
/* SRV rdata with priority 0; `matches` is what the weight is made of. */
void records_add_srv(struct record_set *out, const uint8_t *owner, uint32_t ttl, uint64_t matches,
                     uint16_t port, const uint8_t *target);
/* CNAME to a host name in text; nothing and a log line where it is none. */
void records_add_cname(struct record_set *out, const uint8_t *owner, uint32_t ttl, const char *target,
                       const struct store_unit *unit);

#endif
