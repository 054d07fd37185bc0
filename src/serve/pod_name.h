/*
 * What CoreDNS answers for names of pods and a zone file does not hold.
 *
 * Under `pods insecure` IP-DASHED.NAMESPACE.pod.ZONE answers the address that it spells, in every namespace
 * that exists, without a look at the pods. Under `pods verified` the addresses stand in the zone. In both a
 * pod has an SRV record too, for port 0; and one or two labels in front of the name say nothing.
 */
#ifndef SEAMARK_SERVE_POD_NAME_H
#define SEAMARK_SERVE_POD_NAME_H

#include "serve/request.h"
#include "zone/zone.h"

/* The address that the first label of a name spells with dashes ("10-1-2-3", "2001-db8--1"); the family is
 * AF_INET, AF_INET6, or AF_UNSPEC where it is none. `octets` has 16. */
int pod_name_address(const uint8_t *lname, uint8_t *octets);

/* Each gets a name that is in the zone, whose own name has `apex_len` octets. */

/* `pods insecure`: answers (or gives NODATA for) the question in `r` at the name `owner`, the question's or
 * where a CNAME led, where that is such a name; false where it is none. */
bool pod_name_answer(const struct zone_version *v, size_t apex_len, const uint8_t *owner, uint32_t ttl,
                     struct request *r);

/* `pods verified`: where `owner` is a pod that the zone has, an SRV record takes the place of the SOA that
 * `r` has as an answer without data. */
void pod_name_service(const struct zone_version *v, size_t apex_len, const uint8_t *owner, struct request *r);

#endif
