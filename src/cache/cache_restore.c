/* Reading a cache back: which entries may come into it, and from which files. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "cache/answer_class.h"
#include "cache/cache_file.h"
#include "cache/cache_persist_p.h"
#include "dns/rr.h"

struct restoring {
    struct answer_cache *cache;
    const struct cache_persist_settings *settings;
    uint64_t now_ns, wall_s, deadline_ms;
    unsigned kept;
};

/* What a file says of an answer is not believed where the answer itself says it. */
static bool restore(void *ctx, const struct cache_saved *saved, struct reply *r)
{
    struct restoring *s = ctx;
    struct answer_facts facts;
    answer_classify(r, s->wall_s, &facts);
    enum cache_kind kind = facts.negative ? CACHE_DENIAL : CACHE_SUCCESS;
    uint32_t most = s->settings->max_ttl_s[kind], ttl = saved->ttl_s < most ? saved->ttl_s : most;
    bool of_use = ttl > 0 && saved->age_s < (uint64_t)ttl + s->settings->stale_s;
    if (facts.keepable && facts.class != ANSWER_SERVER_ERROR && of_use) {
        for (unsigned i = 0; i < r->nrecords; i++)
            reply_set_ttl(r, i, ttl);
        const struct cache_keep keep = {.kind = kind,
                                        .answering = facts.answers,
                                        .ttl_s = ttl,
                                        .now_ns = s->now_ns - saved->age_s * UINT64_C(1000000000),
                                        .restored = true,
                                        .in_long = saved->in_long,
                                        .uses = saved->uses};
        unsigned evicted[2];
        s->kept += answer_cache_put(s->cache, r->q, r, &keep, evicted) == ERR_OK;
    }
    return clock_ms() < s->deadline_ms;
}

static bool is_our_group(gid_t group)
{
    if (group == getegid())
        return true;
    int n = getgroups(0, NULL);
    gid_t *groups = n > 0 ? malloc((size_t)n * sizeof *groups) : NULL;
    bool found = false;
    n = groups == NULL ? 0 : getgroups(n, groups);
    for (int i = 0; i < n && !found; i++)
        found = groups[i] == group;
    free(groups);
    return found;
}

/* Ours or root's, and nobody else may write it but a group that we are in: a volume's fsGroup gives files to
 * that at each mount. */
static bool is_ours(const struct stat *st)
{
    return (st->st_uid == geteuid() || st->st_uid == 0) && (st->st_mode & S_IWOTH) == 0 &&
           ((st->st_mode & S_IWGRP) == 0 || is_our_group(st->st_gid));
}

/* A regular file of ours. */
static FILE *open_ours(const char *path, const char **why)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    *why = NULL;
    if (fd < 0 && errno == ENOENT)
        return NULL; /* the first start */
    if (fd < 0 || fstat(fd, &st) < 0)
        *why = err_text(-errno);
    else if (!S_ISREG(st.st_mode))
        *why = "it is not a regular file";
    else if (!is_ours(&st))
        *why = "others may write it";
    FILE *f = *why == NULL ? fdopen(fd, "r") : NULL;
    if (f == NULL && fd >= 0)
        close(fd);
    return f;
}

static void tell(const char *path, int ret, unsigned kept)
{
    if (ret == ERR_OK)
        log_info("plugin/cache: %s: %u answers read", path, kept);
    else if (ret == ERR_MISMATCH)
        log_info("plugin/cache: %s: is of a server block with other settings; the cache begins empty", path);
    else if (ret == ERR_LIMIT)
        log_warning("plugin/cache: %s: %u answers read; the rest would take too long", path, kept);
    else
        log_warning("plugin/cache: %s: %u answers read; the rest is left out (%s)", path, kept,
                    err_text(ret));
}

void cache_restore(struct answer_cache *cache, const struct cache_persist_settings *settings)
{
    struct restoring s = {.cache = cache,
                          .settings = settings,
                          .now_ns = clock_ns(),
                          .wall_s = clock_wall_ms() / 1000,
                          .deadline_ms = clock_ms() + CACHE_READ_MS};
    struct cache_file_result result;
    const char *why;
    FILE *f = open_ours(settings->path, &why);
    if (why != NULL)
        log_warning("plugin/cache: %s: is not read (%s)", settings->path, why);
    if (f == NULL)
        return;
    int ret = cache_file_read(f, settings->identity, clock_wall_ms(), restore, &s, &result);
    fclose(f);
    tell(settings->path, ret, s.kept);
}
