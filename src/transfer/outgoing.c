#include "transfer/outgoing.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cursor.h"
#include "base/log.h"
#include "metrics/metrics.h"
#include "serve/stream.h"
#include "serve/worker.h"
#include "transfer/historian.h"
#include "zone/zone_axfr.h"

#define LOOK_SECONDS 1

struct outgoing {
    struct stream *stream;
    const struct zone_version *version;
    const struct zone_version *newest; /* up to where `replaced` is counted */
    uint64_t replaced;                 /* octets of memory that stay because of `version` */
    struct event *look;
    bool asking;           /* the historian, who has not answered yet */
    bool incremental;      /* what is sent is the historian's answer */
    struct zone_axfr axfr; /* else this */
    struct historian_job job;
    size_t at; /* in job.out: what has been sent */
};

enum kind { KIND_FULL, KIND_INCREMENTAL, KIND_SOA, KIND_FAILED, KINDS };
static const char *const kinds[KINDS] = {"full", "incremental", "soa", "failed"};
static const struct metric_desc transfers_desc = {
    .name = "seamark_transfers_total", .help = "Counter of outgoing zone transfers.", .type = METRIC_COUNTER};
static const struct metric *transfers;

static unsigned under_way; /* atomic */

void outgoing_register(void)
{
    const struct metric_label labels[] = {LABEL_TABLE("kind", kinds, KINDS)};
    if (transfers == NULL) /* once: workers may be counting */
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

/* ---- several messages ---- */

static void outgoing_free(struct outgoing *o)
{
    if (o->stream != NULL)
        stream_close(o->stream);
    event_free(o->look);
    historian_forget(&o->job);
    zone_let_go(o->version);
    free(o);
    __atomic_fetch_sub(&under_way, 1, __ATOMIC_RELAXED);
}

static uint64_t records_sent(const struct outgoing *o)
{
    return o->incremental ? o->job.records : o->axfr.sent;
}

static void say_done(const struct outgoing *o, const struct request *r)
{
    char name[NAME_MAX_TEXT], client[ADDRESS_TEXT_MAX], since[32] = "";
    if (o->incremental)
        snprintf(since, sizeof since, " since %u", o->job.from);
    log_limited(
        LOG_LEVEL_INFO,
        "plugin/transfer: Outgoing %stransfer of %llu records of zone \"%s\" to %s for %u SOA serial%s",
        o->incremental ? "incremental " : "", (unsigned long long)records_sent(o),
        name_to_text(r->q.qname, name), address_text(&r->client, client), zone_serial(o->version), since);
    metrics_add(transfers, o->incremental ? KIND_INCREMENTAL : KIND_FULL, 1);
}

static void say_broken_off(const struct request *r, const char *why)
{
    char name[NAME_MAX_TEXT], client[ADDRESS_TEXT_MAX];
    log_limited(LOG_LEVEL_WARNING, "plugin/transfer: Outgoing transfer of zone \"%s\" to %s broke off (%s)",
                name_to_text(r->q.qname, name), address_text(&r->client, client), why);
    metrics_add(transfers, KIND_FAILED, 1);
}

static void end(struct outgoing *o, struct request *r, enum verdict verdict)
{
    r->waiting = NULL;
    outgoing_free(o);
    request_resume(r, (int)verdict);
}

/* Sends the historian's next message, or puts the last one into r->reply. As zone_axfr_fill. */
static int next_difference(struct outgoing *o, struct request *r)
{
    const uint8_t *message = (const uint8_t *)o->job.out.data + o->at;
    size_t len = wire_u16(message);
    message += 2;
    o->at += 2 + len;
    if (o->at < o->job.out.len) {
        stream_send_message(o->stream, message, len);
        return 1;
    }
    request_reply(r)->flags |= FLAG_AA;
    return reply_copy(r->reply, message, len, SECTION_ANSWER, SECTION_ANSWER);
}

static int next_records(struct outgoing *o, struct request *r)
{
    request_reply(r)->flags |= FLAG_AA;
    int ret = zone_axfr_fill(&o->axfr, r->reply);
    if (ret == 1)
        stream_send(o->stream);
    return ret;
}

static void send_more(struct stream *s, struct request *r)
{
    struct outgoing *o = r->waiting;
    int ret = 0;
    if (o->asking) /* its answer wakes us */
        return;
    if (stream_gone(s) == NULL)
        ret = o->incremental ? next_difference(o, r) : next_records(o, r);
    if (ret < 0)
        stream_break(s, "a record fits into no message");
    if (stream_gone(s) != NULL) {
        say_broken_off(r, stream_gone(s));
        end(o, r, VERDICT_DROP);
    } else if (ret == 0) {
        say_done(o, r);
        end(o, r, VERDICT_ANSWERED);
    }
}

static void on_look(evutil_socket_t fd, short what, void *ctx)
{
    struct outgoing *o = ctx;
    (void)fd, (void)what;
    o->replaced += zone_replaced_since(&o->newest);
    if (o->replaced > OUTGOING_REPLACED_MAX)
        stream_break(o->stream, "the zone has changed too much meanwhile");
}

static bool outgoing_open(struct outgoing *o, struct request *r)
{
    static const struct timeval each = {.tv_sec = LOOK_SECONDS};
    o->look = event_new(worker_base(r->worker), -1, EV_PERSIST, on_look, o);
    if (o->look == NULL || event_add(o->look, &each) < 0)
        return false;
    o->stream = stream_open(r, send_more, OUTGOING_SECONDS);
    return o->stream != NULL;
}

/* An answer under way; NULL, with r->reply an error, where there can be none. `v` is taken over. */
static struct outgoing *outgoing_new(struct request *r, const struct zone_version *v)
{
    struct outgoing *o = NULL;
    bool many = __atomic_add_fetch(&under_way, 1, __ATOMIC_RELAXED) > OUTGOING_MAX;
    if (!many)
        o = calloc(1, sizeof *o);
    if (o == NULL || !outgoing_open(o, r)) {
        if (o != NULL && o->look != NULL)
            event_free(o->look);
        free(o);
        zone_let_go(v);
        __atomic_fetch_sub(&under_way, 1, __ATOMIC_RELAXED);
        fail(r, many ? "too many zone transfers are under way" : "no memory for a zone transfer");
        return NULL;
    }
    o->version = o->newest = v;
    zone_axfr_begin(&o->axfr, v);
    r->waiting = o;
    return o;
}

enum verdict outgoing_full(struct request *r, const struct zone_version *v)
{
    return outgoing_new(r, v) == NULL ? VERDICT_ANSWERED : VERDICT_PENDING;
}

/* ---- differences ---- */

static void historian_done(struct historian_job *job)
{
    struct outgoing *o = (struct outgoing *)(void *)((char *)job - offsetof(struct outgoing, job));
    o->asking = false;
    o->incremental = job->result == ERR_OK;
    if (job->result != ERR_OK)
        log_debug("plugin/transfer: differences from serial %u to %u: %s; the whole zone is transferred",
                  job->from, zone_serial(o->version), err_text(job->result));
    stream_wake(o->stream);
}

enum verdict outgoing_since(struct request *r, const struct zone_version *v, const char *journal)
{
    struct outgoing *o = outgoing_new(r, v);
    if (o == NULL)
        return VERDICT_ANSWERED;
    o->job = (struct historian_job){.path = journal,
                                    .version = v,
                                    .query = &r->q,
                                    .from = r->q.serial,
                                    .worker = r->worker,
                                    .done = historian_done};
    o->asking = historian_ask(&o->job) == ERR_OK;
    return VERDICT_PENDING;
}
