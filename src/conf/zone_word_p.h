/*
 * A word that names zones, as a key of a server block or an argument of a plugin: [SCHEME://]ZONE[:PORT],
 * where ZONE is a domain name or an address prefix that stands for one or several reverse zones. Any thread.
 */
#ifndef SEAMARK_CONF_ZONE_WORD_P_H
#define SEAMARK_CONF_ZONE_WORD_P_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/cidr_p.h"
#include "conf/corefile.h"
#include "dns/name.h"

struct zone_word {
    enum key_scheme scheme;
    uint16_t port; /* 0: none written */
    bool is_cidr;
    struct cidr cidr;
    char text[NAME_MAX_TEXT]; /* ZONE: a CIDR as written, a name lower-case with the final dot */
};

/* Reads the word. On ERR_MALFORMED `*why` is a text for a person, of static storage. */
int zone_word_read(const char *word, struct zone_word *out, const char **why);

/* How many zones it stands for, and the i-th of them: lower-case, with the final dot. Returns `out`. */
unsigned zone_word_count(const struct zone_word *w);
char *zone_word_zone(const struct zone_word *w, unsigned i, char out[NAME_MAX_TEXT]);

#endif
