/* A corefile as one line of text, to compare with: `.:53 tls://a.org. { errors; cache [30] { success [100] }
 * }`. */
#ifndef SEAMARK_TESTS_COREFILE_TEXT_H
#define SEAMARK_TESTS_COREFILE_TEXT_H

#include "base/bytes.h"
#include "conf/corefile.h"

static inline void text_of_lines(struct bytes *out, const struct directive *lines, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bytes_printf(out, "%s%s", i == 0 ? "" : "; ", lines[i].name);
        for (size_t j = 0; j < lines[i].nargs; j++)
            bytes_printf(out, " [%s]", lines[i].args[j]);
        if (!lines[i].has_body)
            continue;
        bytes_append_str(out, " { ");
        text_of_lines(out, lines[i].body, lines[i].nbody);
        bytes_append_str(out, " }");
    }
}

static inline const char *text_of_corefile(struct bytes *out, const struct corefile *c)
{
    static const char *const schemes[] = {"", "tls://", "quic://", "grpc://", "https://", "https3://"};
    bytes_reset(out);
    bytes_append_str(out, "");
    for (size_t i = 0; i < c->nblocks; i++) {
        const struct server_block *b = &c->blocks[i];
        for (size_t j = 0; j < b->nkeys; j++) {
            bytes_printf(out, "%s%s", schemes[b->keys[j].scheme], b->keys[j].zone);
            if (b->keys[j].port != 0)
                bytes_printf(out, ":%u", b->keys[j].port);
            bytes_append_str(out, " ");
        }
        bytes_append_str(out, "{ ");
        text_of_lines(out, b->directives, b->ndirectives);
        bytes_append_str(out, i + 1 < c->nblocks ? " } " : " }");
    }
    return out->data;
}

#endif
