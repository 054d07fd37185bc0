/* Taking over the records of a message that came from elsewhere. */
#include <errno.h>

#include "base/cursor.h"
#include "base/err.h"
#include "base/thread_buffer.h"
#include "dns/reply_p.h"

#define RR_TSIG 250

struct source {
    const uint8_t *message;
    size_t len;
    size_t at;
    uint8_t owner[NAME_MAX_LEN];
    uint8_t rdata[RDATA_MAX];
};

/* The record at s->at, unpacked into s; steps over it. */
static int next_record(struct source *s, struct rr *out)
{
    int used = name_unpack(s->message, s->len, s->at, s->owner);
    if (used < 0 || s->len - s->at < (size_t)used + 10)
        return ERR_MALFORMED;
    const uint8_t *fixed = s->message + s->at + used;
    size_t rdata_at = s->at + (size_t)used + 10;
    uint16_t rdlen = wire_u16(fixed + 8);
    if (s->len - rdata_at < rdlen)
        return ERR_MALFORMED;
    uint16_t type = wire_u16(fixed);
    int unpacked = 0;
    if (type != RR_OPT && type != RR_TSIG) {
        unpacked = rdata_unpack(s->message, s->len, rdata_at, rdlen, type, s->rdata);
        if (unpacked < 0)
            return unpacked;
    }
    *out = (struct rr){.owner = s->owner,
                       .type = type,
                       .class = wire_u16(fixed + 2),
                       .ttl = wire_u32(fixed + 4),
                       .rdlen = (uint16_t)unpacked,
                       .rdata = s->rdata};
    s->at = rdata_at + rdlen;
    return ERR_OK;
}

static int skip_questions(struct source *s)
{
    unsigned count = wire_u16(s->message + 4);
    s->at = DNS_HEADER_LEN;
    for (unsigned i = 0; i < count; i++) {
        int used = name_unpack(s->message, s->len, s->at, s->owner);
        if (used < 0 || s->len - s->at < (size_t)used + 4)
            return ERR_MALFORMED;
        s->at += (size_t)used + 4;
    }
    return ERR_OK;
}

/* What happens to records on their way; either may be NULL. */
struct filter {
    reply_keep *keep;
    reply_change *change;
    void *ctx;
};

static int copy_record(struct reply *r, enum reply_section section, struct rr *rr, const struct filter *f)
{
    if (rr->type == RR_OPT || rr->type == RR_TSIG || (f->keep != NULL && !f->keep(rr->type, f->ctx)))
        return ERR_OK;
    int ret = f->change == NULL ? ERR_OK : f->change(f->ctx, section, rr);
    if (ret == ERR_NOT_FOUND)
        return ERR_OK;
    return ret == ERR_OK ? reply_add(r, section, rr) : ret;
}

static int copy_section(struct reply *r, struct source *s, enum reply_section section, bool wanted,
                        const struct filter *f)
{
    unsigned count = wire_u16(s->message + 6 + 2 * section);
    for (unsigned i = 0; i < count; i++) {
        struct rr rr;
        int ret = next_record(s, &rr);
        if (ret == ERR_OK && wanted)
            ret = copy_record(r, section, &rr, f);
        if (ret != ERR_OK)
            return ret; /* ERR_SPACE: `overflow` is set, and what is there goes out with TC */
    }
    return ERR_OK;
}

static int copy(struct reply *r, const uint8_t *message, size_t len, enum reply_section first,
                enum reply_section last, const struct filter *f)
{
    static _Thread_local void *own; /* a worker copies one message at a time */
    struct source *s = thread_buffer(&own, sizeof *s);
    if (s == NULL)
        return -ENOMEM;
    if (len < DNS_HEADER_LEN)
        return ERR_MALFORMED;
    s->message = message;
    s->len = len;
    size_t had_len = r->len;
    uint16_t had_records = r->nrecords, had_names = r->nnames;
    uint16_t had_count[3] = {r->count[0], r->count[1], r->count[2]};
    int ret = skip_questions(s);
    for (unsigned section = 0; ret == ERR_OK && section <= (unsigned)last; section++)
        ret = copy_section(r, s, (enum reply_section)section, section >= (unsigned)first, f);
    if (ret != ERR_OK && ret != ERR_SPACE) {
        r->len = had_len;
        r->nrecords = had_records;
        reply_forget_names(r, had_names);
        for (unsigned i = 0; i < 3; i++)
            r->count[i] = had_count[i];
    }
    return ret;
}

int reply_copy_if(struct reply *r, const uint8_t *message, size_t len, enum reply_section first,
                  enum reply_section last, reply_keep *keep, const void *ctx)
{
    const struct filter f = {.keep = keep, .ctx = (void *)(uintptr_t)ctx};
    return copy(r, message, len, first, last, &f);
}

int reply_copy_changed(struct reply *r, const uint8_t *message, size_t len, enum reply_section first,
                       enum reply_section last, reply_change *change, void *ctx)
{
    const struct filter f = {.change = change, .ctx = ctx};
    return copy(r, message, len, first, last, &f);
}

int reply_copy(struct reply *r, const uint8_t *message, size_t len, enum reply_section first,
               enum reply_section last)
{
    return reply_copy_if(r, message, len, first, last, NULL, NULL);
}
