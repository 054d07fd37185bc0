#include "cache/cache_store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/err.h"
#include "cache/cache_persist.h"

/* A block's text is at most the Corefile's; 4 MiB is more than a ConfigMap can hold. */
#define IDENTITY_MAX (4 * 1024 * 1024)

static struct cache_store *stores;

/* Directives that say how the server works and not what it answers. */
static bool changes_answers(const char *name)
{
    static const char *const neutral[] = {"bind", "bufsize",     "debug", "errors",     "health", "log",
                                          "loop", "loadbalance", "ready", "prometheus", "reload"};
    for (size_t i = 0; i < sizeof neutral / sizeof neutral[0]; i++)
        if (strcmp(neutral[i], name) == 0)
            return false;
    return true;
}

/* Words are written with their lengths, so that no two texts are written alike. */
static void add_word(struct bytes *b, const char *word)
{
    bytes_printf(b, "%zu:", strlen(word));
    bytes_append_str(b, word);
}

static void add_directive(struct bytes *b, const struct directive *d)
{
    add_word(b, d->name);
    for (size_t i = 0; i < d->nargs; i++)
        add_word(b, d->args[i]);
    bytes_append_str(b, "{");
    for (size_t i = 0; i < d->nbody; i++)
        add_directive(b, &d->body[i]); /* as deep as the parser allowed */
    bytes_append_str(b, "}");
}

static char *identity_of(const struct server_block *block, uint64_t anchors)
{
    struct bytes b;
    bytes_init(&b, IDENTITY_MAX);
    for (size_t i = 0; i < block->nkeys; i++) {
        bytes_printf(&b, "%d/%u/", (int)block->keys[i].scheme, (unsigned)block->keys[i].port);
        add_word(&b, block->keys[i].zone);
    }
    for (size_t i = 0; i < block->ndirectives; i++)
        if (changes_answers(block->directives[i].name))
            add_directive(&b, &block->directives[i]);
    if (anchors != 0)
        bytes_printf(&b, "%" PRIx64, anchors);
    char *text = b.error == ERR_OK ? strdup(b.data) : NULL;
    bytes_free(&b);
    return text;
}

/* FNV-1a, so that it is the same tomorrow. */
uint64_t cache_store_hash(const struct server_block *b, uint64_t anchors)
{
    char *identity = identity_of(b, anchors);
    uint64_t hash = 0xcbf29ce484222325;
    for (const char *p = identity; p != NULL && *p != '\0'; p++)
        hash = (hash ^ (uint8_t)*p) * 0x100000001b3;
    free(identity);
    return identity == NULL ? 0 : hash;
}

int cache_store_get(const struct server_block *b, uint64_t anchors, const struct cache_capacity *capacity,
                    struct cache_store **out)
{
    char *identity = identity_of(b, anchors);
    if (identity == NULL)
        return -ENOMEM;
    for (struct cache_store *s = stores; s != NULL; s = s->next)
        if (strcmp(s->identity, identity) == 0) {
            free(identity);
            s->references++;
            *out = s;
            return ERR_OK;
        }
    struct cache_store *s = calloc(1, sizeof *s);
    int ret = s == NULL ? -ENOMEM : answer_cache_new(capacity, &s->cache);
    if (ret != ERR_OK) {
        free(s);
        free(identity);
        return ret;
    }
    s->identity = identity;
    s->references = 1;
    s->next = stores;
    stores = s;
    *out = s;
    return ERR_OK;
}

void cache_store_put(struct cache_store *s)
{
    if (s == NULL || --s->references > 0)
        return;
    struct cache_store **at = &stores;
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    cache_persist_stop(s->persist);
    answer_cache_free(s->cache);
    free(s->identity);
    free(s);
}
