#include "sync/kube_log.h"

#include <stddef.h>

bool kube_log_may(struct kube_log *l, int cause, uint64_t now_ms)
{
    size_t oldest = 0;
    for (size_t i = 0; i < KUBE_LOG_CAUSES; i++) {
        if (l->said[i].cause == cause && now_ms < l->said[i].until_ms)
            return false;
        if (l->said[i].until_ms < l->said[oldest].until_ms)
            oldest = i;
    }
    l->said[oldest].cause = cause;
    l->said[oldest].until_ms = now_ms + KUBE_LOG_EVERY_MS;
    return true;
}
