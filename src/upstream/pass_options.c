#include "upstream/pass_options.h"

#include <stdlib.h>

#include "base/cursor.h"
#include "dns/name.h"
#include "upstream/upstream_answer.h"

#define OPTION_HEAD 4 /* code and length (RFC 6891 section 6.1.2) */

enum { OPTION_COOKIE = 10, OPTION_KEEPALIVE = 11, OPTION_PADDING = 12 };

struct options_note {
    struct request_note note;
    uint16_t len;
    uint8_t options[];
};

static void note_free(struct request_note *note)
{
    free(note);
}

/* Octets of the option at the start of `run`; 0 where it is cut off. */
static size_t size_of(const uint8_t *run, size_t left)
{
    size_t size = left < OPTION_HEAD ? 0 : OPTION_HEAD + (size_t)wire_u16(run + 2);
    return size <= left ? size : 0;
}

static bool passes(const uint8_t *option)
{
    uint16_t code = wire_u16(option);
    return code != OPTION_COOKIE && code != OPTION_KEEPALIVE && code != OPTION_PADDING;
}

static bool any_passes(const uint8_t *run, size_t left)
{
    for (size_t size; (size = size_of(run, left)) > 0; run += size, left -= size)
        if (passes(run))
            return true;
    return false;
}

/* Keeps a copy of those that pass until the request ends; NULL where there are none. */
static struct options_note *keep(struct request *r, const uint8_t *run, size_t left)
{
    struct options_note *n = any_passes(run, left) ? malloc(sizeof *n + left) : NULL;
    if (n == NULL)
        return NULL;
    n->note = (struct request_note){.owner = n, .free = note_free};
    struct cursor c = cursor_of(n->options, left);
    for (size_t size; (size = size_of(run, left)) > 0; run += size, left -= size)
        if (passes(run))
            cursor_put(&c, run, size);
    n->len = (uint16_t)(c.at - n->options);
    request_keep(r, &n->note);
    return n;
}

void pass_options_to_upstream(struct request *r)
{
    struct query *q = &r->q;
    if (q->options_len > 0 || q->client_options_len == 0)
        return;
    const struct options_note *n = keep(r, q->client_options, q->client_options_len);
    if (n == NULL)
        return;
    q->options = n->options;
    q->options_len = n->len;
    q->options_hash = name_hash(n->options, n->len) | 1;
    r->personal = true;
}

void pass_options_to_client(struct request *r, const struct exchange_answer *a)
{
    struct upstream_opt opt;
    if (!r->q.has_edns)
        return;
    upstream_answer_opt(a->wire, a->len, &opt);
    const struct options_note *n = opt.options_len == 0 ? NULL : keep(r, opt.options, opt.options_len);
    if (n == NULL)
        return;
    r->reply->options = n->options;
    r->reply->options_len = n->len;
}
