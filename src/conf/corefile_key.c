/* Keys of a server block: [SCHEME://]ZONE[:PORT]; an address prefix may make several of one. */
#include <string.h>

#include "conf/conf_error_p.h"
#include "conf/corefile_p.h"
#include "conf/zone_word_p.h"

static int add(struct conf_arena *arena, struct key_list *out, const struct server_key *key)
{
    struct server_key *grown = conf_arena_grow(arena, out->keys, out->count, sizeof *grown);
    const char *zone = conf_arena_strndup(arena, key->zone, strlen(key->zone));
    const char *cidr = key->cidr == NULL ? NULL : conf_arena_strndup(arena, key->cidr, strlen(key->cidr));
    if (conf_arena_error(arena) != ERR_OK)
        return conf_arena_error(arena);
    out->keys = grown;
    out->keys[out->count] = *key;
    out->keys[out->count].zone = zone;
    out->keys[out->count++].cidr = cidr;
    return ERR_OK;
}

int corefile_key(struct conf_arena *arena, const struct token *where, const char *word, struct key_list *out,
                 struct errtext *e)
{
    struct zone_word w;
    const char *why = NULL;
    if (zone_word_read(word, &w, &why) != ERR_OK)
        return conf_error(e, where->file, where->line,
                          "expected a zone such as example.org, 10.0.0.0/16 or tls://.:853, found \"%." SHOWN
                          "s\" (%s)",
                          word, why);
    for (unsigned i = 0; i < zone_word_count(&w); i++) {
        if (out->count >= COREFILE_MAX_KEYS)
            return conf_error(e, where->file, where->line, "more than %d zones in one server block",
                              COREFILE_MAX_KEYS);
        char zone[NAME_MAX_TEXT];
        zone_word_zone(&w, i, zone);
        struct server_key key = {
            .scheme = w.scheme, .zone = zone, .port = w.port, .cidr = w.is_cidr ? w.text : NULL};
        int ret = add(arena, out, &key);
        if (ret != ERR_OK)
            return ret;
    }
    return ERR_OK;
}
