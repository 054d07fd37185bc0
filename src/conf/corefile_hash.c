/*
 * A hash over the words of all blocks, each closed by a NUL, with a mark before every key, line, word and
 * brace so that no two different trees give the same row of octets. It tells `reload` that something changed;
 * it guards nothing.
 */
#include <string.h>

#include "conf/corefile_p.h"
#include "conf/fnv_p.h"

enum mark { MARK_BLOCK = 1, MARK_KEY, MARK_LINE, MARK_WORD, MARK_OPEN, MARK_CLOSE };

static uint64_t mix_mark(uint64_t hash, enum mark mark)
{
    unsigned char octet = (unsigned char)mark;
    return fnv_mix(hash, &octet, 1);
}

static uint64_t mix_word(uint64_t hash, const char *word)
{
    return fnv_mix(hash, word, strlen(word) + 1);
}

/* Recursion ends with COREFILE_MAX_NESTING. */
static uint64_t mix_lines(uint64_t hash, const struct directive *lines, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        hash = mix_word(mix_mark(hash, MARK_LINE), lines[i].name);
        for (size_t j = 0; j < lines[i].nargs; j++)
            hash = mix_word(mix_mark(hash, MARK_WORD), lines[i].args[j]);
        if (lines[i].has_body)
            hash = mix_mark(mix_lines(mix_mark(hash, MARK_OPEN), lines[i].body, lines[i].nbody), MARK_CLOSE);
    }
    return hash;
}

uint64_t corefile_hash(const struct server_block *blocks, size_t count)
{
    uint64_t hash = FNV_START;
    for (size_t i = 0; i < count; i++) {
        hash = mix_mark(hash, MARK_BLOCK);
        for (size_t j = 0; j < blocks[i].nkeys; j++) {
            const struct server_key *k = &blocks[i].keys[j];
            unsigned char rest[3] = {(unsigned char)k->scheme, (unsigned char)(k->port >> 8),
                                     (unsigned char)k->port};
            hash = fnv_mix(mix_word(mix_mark(hash, MARK_KEY), k->zone), rest, sizeof rest);
        }
        hash = mix_lines(hash, blocks[i].directives, blocks[i].ndirectives);
    }
    return hash;
}
