#include "transfer/outgoing.h"

#include <stdlib.h>

#include "base/log.h"
#include "metrics/metrics.h"
#include "serve/stream.h"
#include "zone/zone_axfr.h"

struct outgoing {
    struct stream *stream;
    struct zone_axfr axfr;
};

enum kind { KIND_FULL, KIND_SOA, KIND_FAILED, KINDS };
static const char *const kinds[KINDS] = {"full", "soa", "failed"};
static const struct metric_desc transfers_desc = {
    .name = "seamark_transfers_total", .help = "Counter of outgoing zone transfers.", .type = METRIC_COUNTER};
static const struct metric *transfers;

static unsigned under_way; /* atomic */

void outgoing_register(void)
{
    const struct metric_label labels[] = {LABEL_TABLE("kind", kinds, KINDS)};
    transfers = metrics_register(&transfers_desc, labels, 1);
}

static enum verdict fail(struct request *r, const char *why)
{
    reply_error(r->reply, &r->q, RCODE_SERVFAIL);
    r->error_text = why;
    metrics_add(transfers, KIND_FAILED, 1);
    return VERDICT_ANSWERED;
}

/* ---- the SOA alone ---- */

enum verdict outgoing_soa(struct request *r, const struct zone_version *v)
{
    struct rr soa;
    uint8_t rdata[SOA_RDATA_MAX];
    char name[NAME_MAX_TEXT], client[ADDRESS_TEXT_MAX];
    zone_soa_at(v, zone_serial(v), &soa, rdata);
    r->reply->flags |= FLAG_AA;
    reply_add(r->reply, SECTION_ANSWER, &soa);
    metrics_add(transfers, KIND_SOA, 1);
    log_limited(LOG_LEVEL_INFO,
                "plugin/transfer: Outgoing noop, incremental transfer for up to date zone \"%s\" to %s for "
                "%u SOA serial",
                name_to_text(r->q.qname, name), address_text(&r->client, client), zone_serial(v));
    return VERDICT_ANSWERED;
}

/* ---- the whole zone ---- */

static void outgoing_free(struct outgoing *o)
{
    if (o->stream != NULL)
        stream_close(o->stream);
    zone_let_go(o->axfr.version);
    free(o);
    __atomic_fetch_sub(&under_way, 1, __ATOMIC_RELAXED);
}

static void say_done(const struct outgoing *o, const struct request *r)
{
    char name[NAME_MAX_TEXT], client[ADDRESS_TEXT_MAX];
    log_limited(LOG_LEVEL_INFO,
                "plugin/transfer: Outgoing transfer of %llu records of zone \"%s\" to %s for %u SOA serial",
                (unsigned long long)o->axfr.sent, name_to_text(r->q.qname, name),
                address_text(&r->client, client), zone_serial(o->axfr.version));
    metrics_add(transfers, KIND_FULL, 1);
}

static void say_broken_off(const struct outgoing *o, const struct request *r, const char *why)
{
    char name[NAME_MAX_TEXT], client[ADDRESS_TEXT_MAX];
    log_limited(LOG_LEVEL_WARNING,
                "plugin/transfer: Outgoing transfer of zone \"%s\" to %s broke off after %llu records (%s)",
                name_to_text(r->q.qname, name), address_text(&r->client, client),
                (unsigned long long)o->axfr.sent, why);
    metrics_add(transfers, KIND_FAILED, 1);
}

static void end(struct outgoing *o, struct request *r, enum verdict verdict)
{
    r->waiting = NULL;
    outgoing_free(o);
    request_resume(r, (int)verdict);
}

static void send_more(struct stream *s, struct request *r)
{
    struct outgoing *o = r->waiting;
    int ret = 0;
    if (stream_gone(s) == NULL) {
        request_reply(r)->flags |= FLAG_AA;
        ret = zone_axfr_fill(&o->axfr, r->reply);
    }
    if (ret < 0)
        stream_break(s, "a record fits into no message");
    if (stream_gone(s) != NULL) {
        say_broken_off(o, r, stream_gone(s));
        end(o, r, VERDICT_DROP);
    } else if (ret == 1) {
        stream_send(s);
    } else {
        say_done(o, r);
        end(o, r, VERDICT_ANSWERED);
    }
}

/* NULL where there are too many, or without memory; `v` is let go then. */
static struct outgoing *outgoing_new(const struct zone_version *v)
{
    struct outgoing *o = NULL;
    if (__atomic_add_fetch(&under_way, 1, __ATOMIC_RELAXED) <= OUTGOING_MAX)
        o = calloc(1, sizeof *o);
    if (o == NULL) {
        __atomic_fetch_sub(&under_way, 1, __ATOMIC_RELAXED);
        zone_let_go(v);
        return NULL;
    }
    zone_axfr_begin(&o->axfr, v);
    return o;
}

enum verdict outgoing_full(struct request *r, const struct zone_version *v)
{
    struct outgoing *o = outgoing_new(v);
    if (o == NULL)
        return fail(r, "too many zone transfers are under way");
    o->stream = stream_open(r, send_more, OUTGOING_SECONDS);
    if (o->stream == NULL) {
        outgoing_free(o);
        return fail(r, "no memory for a zone transfer");
    }
    r->waiting = o;
    return VERDICT_PENDING;
}
