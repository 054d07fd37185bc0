/* The tokens of a line of a master file (RFC 1035 section 5.1), in place. */
#ifndef SEAMARK_DNS_RR_TOKEN_P_H
#define SEAMARK_DNS_RR_TOKEN_P_H

#include <stdbool.h>
#include <stddef.h>

struct rr_line {
    const char *at;
    const char *end;
    const char *why; /* set by the first failure */
};

struct rr_token {
    const char *text; /* without the quotes around it */
    size_t len;
    bool quoted; /* in quotes, or with a part that is: key="value", which only libldns reads */
    bool mixed;  /* the latter */
};

static inline bool rr_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Says why, if nothing did before. ERR_MALFORMED. */
int rr_line_fail(struct rr_line *l, const char *why);

/* The next token. False at the end of the line, at a comment, and where it is malformed (then l->why is set).
 */
bool rr_next_token(struct rr_line *l, struct rr_token *t);

/* Steps over the token `\#` (RFC 3597 section 5), if that is the next. */
bool rr_line_skip_general(struct rr_line *l);

#endif
