/*
 * What a `cache` directive does: answers from what was answered before, keeps answers on their way up, and
 * gives TTLs their limits. Semantics are CoreDNS's. The directive is read by plugins/cache.c.
 *
 * Names of the zones of kubernetes and k8s_external are not kept: their answers come from memory anyhow, and
 * a change shall be visible in the very next one. They pass downward untouched; on the way up their TTLs get
 * the same limits as all others. A name in those zones that falls through to `forward` is kept like any
 * other; the forward stage looks here for it before it asks (cache_stage_late), after those stages have said
 * that they have no such name.
 *
 * The entries belong to the server block, not to the configuration: a reload finds them again where nothing
 * in the block has changed that could change an answer (cache_store.h).
 */
#ifndef SEAMARK_CACHE_CACHE_STAGE_H
#define SEAMARK_CACHE_CACHE_STAGE_H

#include <stdatomic.h>

#include "cache/answer_cache.h"
#include "serve/config.h"

struct cache_limit {   /* of a kind */
    uint32_t capacity; /* 0: not said */
    uint32_t max_ttl_s;
    uint32_t min_ttl_s;
    uint8_t (*disabled)[NAME_MAX_LEN]; /* zones of which no answer is kept */
    size_t ndisabled;
};

enum stale_mode { STALE_OFF, STALE_IMMEDIATE, STALE_VERIFY };

struct cache_settings {
    struct cache_limit limits[2]; /* by enum cache_kind */
    uint64_t bytes;               /* that all entries and their index may take; 0: not said */
    char *persist; /* the file, below the zones folder where its path is relative; NULL: not kept on disk */
    uint32_t persist_interval_ms;
    uint8_t (*zones)[NAME_MAX_LEN];
    size_t nzones;
    uint32_t servfail_ttl_s; /* 0: not kept */
    bool keep_ttl;
    struct cache_prefetch prefetch;
    enum stale_mode stale;
    uint32_t stale_s;          /* how long an entry is served past its TTL */
    uint32_t stale_ttl_s;      /* with this TTL */
    uint32_t stale_recheck_ms; /* after a refresh that failed */
    int64_t stale_verify_ms;   /* verify: how long an answer is waited for; 0: as long as the upstreams' */
    bool prefer_positive;      /* while an answer is served stale, no denial takes its place */
};

/* What is counted, for one listener. */
struct cache_series;

struct cache_stage {
    struct cache_settings settings;
    const struct config *config;
    const struct block *block;
    char *zones_label;         /* label "zones": "." or "a.example.,b.example." */
    uint8_t local[STAGES_MAX]; /* indexes of the stages that answer from memory; from start */
    unsigned nlocal;
    bool others_answer;          /* a stage below may answer names that `forward` would; from start */
    atomic_uint refreshes;       /* under way */
    struct cache_store *store;   /* from start */
    struct cache_series *series; /* one for each of the config's listeners */
};

void cache_settings_default(struct cache_settings *s);

/* Control thread. */
int cache_stage_start(struct cache_stage *c, struct errtext *e);
void cache_stage_stop(struct cache_stage *c);
void cache_stage_leave(struct cache_stage *c); /* the process is about to end */
void cache_stage_free(struct cache_stage *c);  /* once no worker uses it; NULL allowed */

enum verdict cache_stage_query(struct cache_stage *c, struct request *r);
/* What is kept for names that no stage below answers from memory: express_plan's `kept`. */
express_find_kept cache_stage_kept;
express_fetch_kept cache_stage_fetch_kept;
void cache_stage_answer(struct cache_stage *c, struct request *r);
/* For the forward stage: VERDICT_ANSWERED or VERDICT_PENDING where a name that had to pass is answered from
 * here after all, else VERDICT_NEXT. */
enum verdict cache_stage_late(struct cache_stage *c, struct request *r);

#endif
