#include "zone/zone_axfr.h"

#include <string.h>

#include "base/cursor.h"
#include "base/err.h"

#define RR_FIXED  10 /* octets of a record beside its owner and rdata */
#define OPT_EMPTY 11 /* octets of an OPT record without options (RFC 6891 section 6.1.2) */

void zone_axfr_begin(struct zone_axfr *a, const struct zone_version *v)
{
    *a = (struct zone_axfr){.version = v};
    zone_cursor_begin(v, &a->cursor);
}

int transfer_add(struct reply *r, const struct rr *rr)
{
    /* What it takes at most: where that might not fit, it is not tried, since it would set TC. */
    size_t most = name_len(rr->owner) + RR_FIXED + rr->rdlen;
    if (r->nrecords > 0 && (r->len >= TRANSFER_MESSAGE_LEN || r->len + most > REPLY_CAP - 512))
        return 0;
    if (reply_add(r, SECTION_ANSWER, rr) != ERR_OK)
        return ERR_SPACE;
    /* It is not left to reply_finish(): that makes room for OPT by leaving the record out. */
    return r->len + (r->q->has_edns ? OPT_EMPTY : 0) <= REPLY_CAP ? 1 : ERR_SPACE;
}

void zone_soa_at(const struct zone_version *v, uint32_t serial, struct rr *rr, uint8_t rdata[SOA_RDATA_MAX])
{
    struct rrset soa;
    const struct node *apex = zone_apex_node(v);
    node_rrset(apex, RR_SOA, &soa); /* no version is committed without one */
    *rr = (struct rr){.owner = node_name(apex),
                      .type = RR_SOA,
                      .class = CLASS_IN,
                      .ttl = soa.ttl,
                      .rdlen = wire_u16(soa.data),
                      .rdata = rdata};
    memcpy(rdata, soa.data + 2, rr->rdlen);
    wire_put_u32(rdata + rr->rdlen - 20, serial);
}

static int add_soa(struct zone_axfr *a, struct reply *r)
{
    struct rr soa;
    uint8_t rdata[SOA_RDATA_MAX];
    zone_soa_at(a->version, zone_serial(a->version), &soa, rdata);
    int ret = transfer_add(r, &soa);
    a->sent += ret == 1;
    return ret;
}

/* The next rrset that has records to send; false after the last. */
static bool next_set(struct zone_axfr *a)
{
    while (a->left == 0) {
        while (a->node == NULL || a->next_set == node_rrset_count(a->node)) {
            a->node = zone_cursor_next(&a->cursor);
            a->next_set = 0;
            if (a->node == NULL)
                return false;
        }
        node_rrset_at(a->node, a->next_set++, &a->set);
        a->at = a->set.data;
        a->left = a->set.type == RR_SOA ? 0 : a->set.count;
    }
    return true;
}

/* Adds records until the message is full (0), one fits into none (ERR_SPACE) or all are sent (1). */
static int add_records(struct zone_axfr *a, struct reply *r)
{
    while (next_set(a)) {
        const struct rr rr = {.owner = node_name(a->node),
                              .type = a->set.type,
                              .class = CLASS_IN,
                              .ttl = a->set.ttl,
                              .rdlen = wire_u16(a->at),
                              .rdata = a->at + 2};
        int ret = transfer_add(r, &rr);
        if (ret != 1)
            return ret;
        a->at += 2 + rr.rdlen;
        a->left--;
        a->sent++;
    }
    return 1;
}

int zone_axfr_fill(struct zone_axfr *a, struct reply *r)
{
    int ret = a->begun ? 1 : add_soa(a, r);
    a->begun = true;
    if (ret == 1)
        ret = add_records(a, r);
    if (ret == 1)
        ret = add_soa(a, r);
    return ret < 0 ? ret : ret == 0; /* full: there is more to come */
}
