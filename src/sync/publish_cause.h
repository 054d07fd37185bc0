/*
 * Why a transaction was made, for the journal's `; cause:` line: "Service default/web changed
 * 2026-11-23T06:20:24Z", several joined by "; ", those beyond PUBLISH_CAUSES_MAX as a count. One thread.
 */
#ifndef SEAMARK_SYNC_PUBLISH_CAUSE_H
#define SEAMARK_SYNC_PUBLISH_CAUSE_H

#include "sync/kube_object.h"

#define PUBLISH_CAUSES_MAX 8 /* a line that a person still reads */

struct publish_cause {
    char text[PUBLISH_CAUSES_MAX * 320 + 64];
    size_t used;
    size_t count;
};

/* `verb` is "changed" or "removed"; `when_ms` Unix time, 0 where unknown. */
void publish_cause_add(struct publish_cause *c, enum kube_kind kind, const char *namespace, const char *name,
                       const char *verb, uint64_t when_ms);
/* The whole line; valid until the cause changes. */
const char *publish_cause_text(struct publish_cause *c);
void publish_cause_reset(struct publish_cause *c);

#endif
