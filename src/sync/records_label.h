/*
 * Labels made of what Kubernetes objects hold: the rules of CoreDNS's kubernetes plugin and of the Kubernetes
 * DNS specification 1.1.0, section 2. Text in, text out, always lower case; wire form is made of it in
 * records.c. Only letters, digits, `-` and `_` make a label: anything else (dots of a pod's name, control
 * characters, UTF-8) could not stand in a zone that other servers are to load, and the API server does not
 * allow it either. Any thread.
 */
#ifndef SEAMARK_SYNC_RECORDS_LABEL_H
#define SEAMARK_SYNC_RECORDS_LABEL_H

#include <stdbool.h>

#include "dns/name.h"
#include "sync/kube_object.h"

#define LABEL_TEXT_MAX (NAME_MAX_LABEL + 1)

/* A label in lower case: fit to be the name of a namespace or service as it is. */
bool label_is_name(const char *text);

/* Writes `text` in lower case; false where it is no label. */
bool label_from_text(const char *text, char out[LABEL_TEXT_MAX]);

/* The name of an endpoint that has none: 10-0-0-1, 2001-db8--1; one that would end in `-` gets a final 0. */
void label_from_ip(const struct ip *ip, char out[LABEL_TEXT_MAX]);

/* The name of a pod: as above, without the final 0. */
void label_from_pod_ip(const struct ip *ip, char out[LABEL_TEXT_MAX]);

/* The name of an FQDN endpoint that has none: example-com. False where it has no dot or gives no label. */
bool label_from_fqdn(const char *fqdn, char out[LABEL_TEXT_MAX]);

/* A topology zone ("eu-west-2a", "rack7.example.com") as names have it: labels in lower case with dots
 * between. False where it is none, or too long to be asked for. */
#define LABEL_TOPOLOGY_MAX (NAME_MAX_LEN - 1)
bool label_topology(const char *text, char out[LABEL_TOPOLOGY_MAX]);

/* True where `text` is a host name that may be the target of a CNAME: dotted labels, at most 255 octets, no
 * address. */
bool label_is_target(const char *text);

#define LABEL_PRINTABLE_MAX 128
/* `text` for a log line: control characters and what is no ASCII as `?`, cut where long. Returns `out`. */
const char *label_printable(const char *text, char out[LABEL_PRINTABLE_MAX]);

#endif
