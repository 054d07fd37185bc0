/* A zone file into memory. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "zone/zonefile.h"

struct loading {
    struct zone *zone;
    struct zone_txn *txn;
};

static int add(const struct rr *rr, void *ctx)
{
    struct loading *l = ctx;
    int ret = zone_add(l->txn, rr);
    return ret == ERR_EXISTS ? ERR_OK : ret; /* the same record twice is one record */
}

static int check_header(const char *path, const uint8_t *apex, const struct zonefile_header *header,
                        struct errtext *e)
{
    uint8_t zone[NAME_MAX_LEN];
    char expected[NAME_MAX_TEXT];
    if (name_from_text(header->zone, strlen(header->zone), zone) < 0 || !name_equal(zone, apex))
        return errtext_set(e, ERR_MISMATCH, "%s: expected the zone %s, this is %s", path,
                           name_to_text(apex, expected), header->zone);
    return ERR_OK;
}

static int fill(struct loading *l, const char *path, struct zonefile_header *header, struct errtext *e)
{
    int ret = zonefile_read_header(path, header, e);
    if (ret == ERR_OK)
        ret = check_header(path, zone_apex(l->zone), header, e);
    if (ret != ERR_OK)
        return ret;
    l->txn = zone_begin(l->zone);
    if (l->txn == NULL)
        return -ENOMEM;
    ret = zonefile_read(path, header, add, l, e);
    if (ret != ERR_OK) {
        zone_abort(l->txn);
        return ret;
    }
    ret = zone_commit(l->txn);
    if (ret != ERR_OK)
        return errtext_set(e, ret, "%s: expected exactly one SOA at %s", path, header->zone);
    uint32_t serial = zone_serial(zone_current(l->zone));
    if (serial != header->serial)
        return errtext_set(e, ERR_MALFORMED,
                           "%s: the serial of the header is %" PRIu32 ", but that of the SOA is %" PRIu32,
                           path, header->serial, serial);
    return ERR_OK;
}

int zonefile_load(const char *path, const uint8_t *apex, struct zonefile_header *header, struct zone **out,
                  struct errtext *e)
{
    struct zonefile_header own;
    struct loading l = {.zone = zone_new(apex)};
    if (l.zone == NULL)
        return -ENOMEM;
    int ret = fill(&l, path, header != NULL ? header : &own, e);
    if (ret != ERR_OK) {
        zone_free(l.zone); /* nobody has seen it */
        return errtext_set(e, ret, "%s: %s", path, err_text(ret));
    }
    *out = l.zone;
    return ERR_OK;
}
