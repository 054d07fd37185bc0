/*
 * Who asks: a look-up of the client's address in the zone of clients that seamark-sync writes for
 * `autopath @kubernetes` and `metadata` (the view VIEW_CLIENTS; docs/files.md). At ADDRESS-DASHED.ZONE stand
 * TXT records "KEY=VALUE".
 */
#ifndef SEAMARK_SERVE_CLIENT_LOOKUP_H
#define SEAMARK_SERVE_CLIENT_LOOKUP_H

#include "serve/request.h"
#include "zone/zone.h"

/* Writes the value of `key` ("namespace", "pod", "label/app") for the pod that has the address, at most `cap`
 * octets without NUL, and returns its length; -1 where there is none. Within a read section. */
int client_lookup(const struct zone_version *v, const uint8_t *apex, const union address *client,
                  const char *key, char *out, size_t cap);

#endif
