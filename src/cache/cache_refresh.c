#include "cache/cache_refresh.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cache/cache_series.h"
#include "cache/cache_stage_p.h"
#include "cache/cache_store.h"
#include "upstream/forward_stage.h"
#include "upstream/upstream_answer.h"

/* After a refresh that could not be begun (too many questions, or the same one under way): soon again, but
 * not for each hit. */
#define REFRESH_BUSY_MS 200

struct refresh {
    struct cache_stage *stage;
    struct cache_series *series;
    struct query q;
    uint8_t options[]; /* q's: those of the request end with it */
};

static bool take(struct refresh *f, const struct exchange_answer *answer)
{
    /* Some 100 KiB that are needed for some microseconds; not the worker's scratch, which a chain may be
     * using. */
    struct reply *r = malloc(sizeof *r);
    if (r == NULL)
        return false;
    reply_begin(r, &f->q);
    bool good = upstream_answer_fill(r, answer->wire, answer->len) == ERR_OK && cache_stage_is_good(r);
    if (good)
        cache_stage_keep(f->stage, f->series, r, true);
    free(r);
    return good;
}

static void on_refreshed(void *ctx, enum upstream_result result, struct exchange_answer *answer)
{
    struct refresh *f = ctx;
    if (result != UPSTREAM_ANSWER || !take(f, answer))
        answer_cache_refresh_failed(f->stage->store->cache, &f->q, clock_ns(),
                                    f->stage->settings.stale_recheck_ms);
    free(f);
}

void cache_refresh(struct cache_stage *c, struct cache_series *series, const struct request *r)
{
    struct forward_stage *forward = forward_stage_of(c->block, &r->q);
    struct refresh *f = forward == NULL ? NULL : malloc(sizeof *f + r->q.options_len);
    int ret = -1;
    if (f != NULL) {
        *f = (struct refresh){.stage = c, .series = series, .q = r->q};
        f->q.has_edns = false;
        f->q.client_options = NULL;
        f->q.client_options_len = 0;
        f->q.options = f->options;
        if (r->q.options_len > 0)
            memcpy(f->options, r->q.options, r->q.options_len);
        ret = forward_stage_refresh(forward, r->worker, &f->q, on_refreshed, f);
    }
    if (ret == ERR_OK) {
        metrics_add(series->prefetches, 0, 1);
        return;
    }
    free(f);
    answer_cache_refresh_failed(c->store->cache, &r->q, r->received_ns, REFRESH_BUSY_MS);
}
