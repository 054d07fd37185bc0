#include "cache/cache_file_name.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dns/name.h"

/* "cache-example.org-5353": of the block's first key, which no other block has unless it listens elsewhere.
 */
static char *default_file(const struct server_key *key)
{
    static const char *const schemes[] = {
        [KEY_DNS] = "",       [KEY_TLS] = "tls-",     [KEY_QUIC] = "quic-",
        [KEY_GRPC] = "grpc-", [KEY_HTTPS] = "https-", [KEY_HTTPS3] = "https3-"};
    char text[NAME_MAX_TEXT + 32], port[8] = "";
    if (key->port != 0)
        snprintf(port, sizeof port, "-%u", key->port);
    bool root = strcmp(key->zone, ".") == 0;
    int zone_len = root ? 4 : (int)strlen(key->zone) - 1;
    snprintf(text, sizeof text, "cache-%s%.*s%s", schemes[key->scheme], zone_len, root ? "root" : key->zone,
             port);
    for (char *p = text; *p != '\0'; p++)
        if (!isalnum((unsigned char)*p) && *p != '.' && *p != '-')
            *p = '_';
    return strdup(text);
}

char *cache_file_name(const struct server_block *b)
{
    const struct directive *d = server_block_find(b, "cache"), *found = NULL;
    for (size_t i = 0; d != NULL && i < d->nbody; i++)
        if (strcmp(d->body[i].name, "persist") == 0)
            found = &d->body[i];
    if (found == NULL || b->nkeys == 0)
        return NULL;
    return found->nargs > 0 ? strdup(found->args[0]) : default_file(&b->keys[0]);
}
