/*
 * From an object to the octets that the store keeps of it: what its records need, in an order that does not
 * depend on the object's, so that equal objects are equal octets. One thread (it logs).
 */
#ifndef SEAMARK_SYNC_STORE_PACK_H
#define SEAMARK_SYNC_STORE_PACK_H

#include "sync/store.h"

/* `*out` is one block, for store_free_service(). ERR_OK, -ENOMEM, or ERR_LIMIT where the object holds more
 * than the store takes. */
int store_pack_service(const struct kube_object *o, bool externals, struct service_data **out);

/* What is kept of a slice. */
struct slice_packing {
    bool pod_names; /* endpoints without a hostname are named after their pod */
    bool
        imported; /* for the unit of a ServiceImport, with the cluster it is from (a label, or "" for none) */
    bool zonal;   /* with the endpoints' zones */
};
/* `*out` is one block, for store_free_slice(). */
int store_pack_slice(const struct kube_object *o, const struct slice_packing *packing,
                     struct slice_data **out);

/* Octets that an address takes in a slice of that form. */
size_t slice_address_size(enum slice_form form);

/* NULL allowed. */
void store_free_service(struct service_data *d);
void store_free_slice(struct slice_data *d);

#endif
