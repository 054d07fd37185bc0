/* Takes the place of serve/line_sink.c: keeps the lines that plugins write. Included by one file of a test
 * program. */
#ifndef SEAMARK_TESTS_FAKE_LINES_H
#define SEAMARK_TESTS_FAKE_LINES_H

#include "base/bytes.h"
#include "serve/line_sink.h"

static struct bytes fake_lines = {.max = 1 << 20};

int line_sink_open(struct worker *w, struct errtext *e)
{
    (void)w, (void)e;
    return ERR_OK;
}

void line_sink_close(struct worker *w)
{
    (void)w;
}

void line_sink_write(struct worker *w, const char *line, size_t len)
{
    (void)w;
    bytes_append(&fake_lines, line, len);
}

/* What was written since the last call; valid until the next. */
static inline const char *fake_lines_take(void)
{
    static struct bytes taken;
    bytes_free(&taken);
    taken = fake_lines;
    bytes_init(&fake_lines, 1 << 20);
    return taken.data == NULL ? "" : taken.data;
}

#endif
