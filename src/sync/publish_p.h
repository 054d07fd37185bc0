/* What the two files of the publisher share: publish.c, which writes, and publish_sink.c, which listens. */
#ifndef SEAMARK_SYNC_PUBLISH_P_H
#define SEAMARK_SYNC_PUBLISH_P_H

#include "base/log.h"
#include "sync/publish.h"
#include "sync/publish_cause.h"
#include "sync/publish_changes.h"
#include "sync/publish_zone.h"

#define PUBLISH_VERSION_MAX 64

struct publisher {
    const struct cluster_block *block;
    struct store *store;
    struct record_rules rules;
    struct changes *changes;
    struct publish_zone *zones; /* one for each of rules.zones; `ours` says whether it is written */
    struct bytes *identities;   /* likewise */
    bool *ours;
    char cluster[128];
    bool other_cluster; /* it became another one while live */
    char versions[KUBE_KINDS][PUBLISH_VERSION_MAX];
    bool listed[KUBE_KINDS];
    bool *waiting;       /* zones of ServiceImports before these are known */
    bool imports_absent; /* the source has no ServiceImports at all */
    bool live;
    int error; /* sticky, see publish_error() */
    struct publish_cause cause;
    bool *begun;            /* zones whose transaction has its cause */
    uint64_t next_flush_ms; /* not before; 0: at once */
    uint64_t retry_ms;      /* 0: no failure */
    uint64_t retry_step;
    uint64_t reap_ms; /* when to look after zone files being written anew; 0: there are none */
    struct log_limit failure_limit;
};

/* Takes the differences and writes them. ERR_OK, or what went wrong, which is tried again later. */
int publish_flush(struct publisher *p);
/* The first full view of the cluster: compares and writes all zones. */
void publish_go_live(struct publisher *p);
/* ServiceImports are known now, or known not to be there: the zones that waited for that wait no longer. */
void publish_imports_known(struct publisher *p);
/* Every zone is compared with its files anew. */
void publish_distrust_files(struct publisher *p);

#endif
