/*
 * Names as text, which is how `rewrite` sees them: in presentation form, with the final dot. Which names a
 * rule is for, and what becomes of them. Immutable once made; matching from any thread.
 */
#ifndef SEAMARK_REWRITE_NAME_TEXT_H
#define SEAMARK_REWRITE_NAME_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/regex.h"
#include "dns/name.h"

/* A text under construction. What does not fit is no name any more, so it need not be kept. */
struct name_text {
    size_t len;
    bool overflow;
    char text[NAME_MAX_TEXT]; /* no NUL */
};

void name_text_put(struct name_text *t, const char *text, size_t len);
void name_text_put_str(struct name_text *t, const char *text);
/* The text as a name in wire form (`out` has NAME_MAX_LEN octets): its length, or ERR_MALFORMED. */
int name_text_read(const struct name_text *t, uint8_t *out);

enum name_match_kind { MATCH_EXACT, MATCH_PREFIX, MATCH_SUFFIX, MATCH_SUBSTRING, MATCH_REGEX };

struct name_match {
    enum name_match_kind kind;
    bool any_case; /* of MATCH_SUFFIX: capitals make no difference */
    char *text;    /* owned; not with MATCH_REGEX */
    size_t len;
    struct regex *regex; /* owned; with MATCH_REGEX */
};

void name_match_free(struct name_match *m);

/* Whether the rule is for this name. */
bool name_match_test(const struct name_match *m, const char *name, size_t len);

/* The same, and what `to` makes of it goes to `out`, which is emptied first: the place of the match is
 * replaced (MATCH_PREFIX, _SUFFIX, _SUBSTRING: each of them), or all of the name (_EXACT, _REGEX: with {0},
 * {1} ... in `to` replaced by what the groups matched; a number beyond the groups stays as it is). */
bool name_match_replace(const struct name_match *m, const char *to, const char *name, size_t len,
                        struct name_text *out);

/* "exact", "prefix" ... without regard to case; false for any other word. */
bool name_match_kind_read(const char *word, enum name_match_kind *out);

/* A copy of `text` in lower case with a final dot (CoreDNS's Normalize); NULL without memory. */
char *name_text_normal(const char *text);
/* A copy in lower case. */
char *name_text_lower(const char *text);

#endif
