#include "sync/publish_cause.h"

#include <stdio.h>

#include "base/clock.h"
#include "sync/records_label.h"

#define ONE_MAX 320 /* two printable names of at most 127 octets, kind, verb, time */

void publish_cause_add(struct publish_cause *c, enum kube_kind kind, const char *namespace, const char *name,
                       const char *verb, uint64_t when_ms)
{
    if (c->count++ >= PUBLISH_CAUSES_MAX)
        return;
    char ns[LABEL_PRINTABLE_MAX], object[LABEL_PRINTABLE_MAX], when[CLOCK_RFC3339_MAX] = "", one[ONE_MAX];
    if (when_ms > 0)
        clock_rfc3339(when_ms, when);
    snprintf(one, sizeof one, "%s%s%s%s%s%s %s%s%s", c->used > 0 ? "; " : "", kube_kind_name(kind),
             name[0] != '\0' ? " " : "s", label_printable(namespace, ns), namespace[0] != '\0' ? "/" : "",
             label_printable(name, object), verb, when_ms > 0 ? " " : "", when);
    int n = snprintf(c->text + c->used, sizeof c->text - c->used, "%s", one);
    if (n > 0 && (size_t)n < sizeof c->text - c->used)
        c->used += (size_t)n;
}

const char *publish_cause_text(struct publish_cause *c)
{
    if (c->count > PUBLISH_CAUSES_MAX)
        snprintf(c->text + c->used, sizeof c->text - c->used, "; and %zu more",
                 c->count - PUBLISH_CAUSES_MAX);
    else
        c->text[c->used] = '\0';
    return c->text;
}

void publish_cause_reset(struct publish_cause *c)
{
    *c = (struct publish_cause){0};
}
