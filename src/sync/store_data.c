/* The blocks that objects are packed into: reading them, freeing them. */
#include <string.h>

#include "base/pool.h"
#include "sync/store_pack.h"

size_t slice_address_size(enum slice_form form)
{
    return form == SLICE_WHOLE ? sizeof(struct store_address) : form == SLICE_IPV4 ? 4 : 16;
}

struct store_address slice_address(const struct slice_data *d, size_t i)
{
    struct store_address a = {0};
    const char *at = (const char *)d->addresses + i * slice_address_size((enum slice_form)d->form);
    if (d->form == SLICE_WHOLE) {
        memcpy(&a, at, sizeof a);
    } else {
        a.ip.family = d->form == SLICE_IPV4 ? 4 : 6;
        memcpy(a.ip.octets, at, slice_address_size((enum slice_form)d->form));
    }
    return a;
}

void store_free_service(struct service_data *d)
{
    if (d != NULL)
        pool_free(d, d->size);
}

void store_free_slice(struct slice_data *d)
{
    if (d != NULL)
        pool_free(d, d->size);
}
