#include "conf/corefile.h"

#include <errno.h>
#include <string.h>

#include "base/fsio.h"
#include "conf/corefile_p.h"

/* Turns what the stream says into the result. */
static int parse_stream(struct token_stream *s, const char *name, const char *text, size_t len,
                        struct corefile *c)
{
    int ret = stream_begin(s, name, text, len);
    if (ret == ERR_OK)
        ret = corefile_blocks(s, &c->blocks, &c->nblocks);
    if (ret != ERR_OK)
        return ret;
    c->hash = corefile_hash(c->blocks, c->nblocks);
    c->files = s->paths;
    c->nfiles = s->nfiles;
    return ERR_OK;
}

int corefile_parse_with(corefile_read_fn read, const char *name, const char *text, size_t len,
                        struct corefile **out, struct errtext *e)
{
    struct conf_arena *arena = conf_arena_new(COREFILE_MAX_MEMORY);
    struct token_stream *s = arena == NULL ? NULL : conf_arena_alloc(arena, sizeof *s);
    struct corefile *c = arena == NULL ? NULL : conf_arena_alloc(arena, sizeof *c);
    if (s == NULL || c == NULL) {
        conf_arena_free(arena);
        return -ENOMEM;
    }
    *s = (struct token_stream){.arena = arena, .e = e, .read = read};
    c->arena = arena;
    int ret = parse_stream(s, name, text, len, c);
    if (ret == ERR_LIMIT)
        ret = errtext_set(e, ERR_CONFIG, "%s: the configuration needs more than %zu bytes of memory", name,
                          COREFILE_MAX_MEMORY);
    if (ret != ERR_OK) {
        conf_arena_free(arena);
        return ret;
    }
    *out = c;
    return ERR_OK;
}

int corefile_parse(const char *name, const char *text, size_t len, struct corefile **out, struct errtext *e)
{
    return corefile_parse_with(fsio_read, name, text, len, out, e);
}

int corefile_load(const char *path, struct corefile **out, struct errtext *e)
{
    struct bytes text;
    bytes_init(&text, COREFILE_MAX_FILE_SIZE);
    int ret = fsio_read(path, &text);
    if (ret == ERR_OK)
        ret = corefile_parse(path, text.len == 0 ? "" : text.data, text.len, out, e);
    else if (ret == ERR_LIMIT)
        errtext_set(e, ret, "%s: larger than %zu bytes", path, COREFILE_MAX_FILE_SIZE);
    else
        errtext_set(e, ret, "%s: %s", path, err_text(ret));
    bytes_free(&text);
    return ret;
}

void corefile_free(struct corefile *c)
{
    if (c != NULL)
        conf_arena_free(c->arena);
}

const struct directive *server_block_find(const struct server_block *b, const char *name)
{
    for (size_t i = 0; i < b->ndirectives; i++)
        if (strcmp(b->directives[i].name, name) == 0)
            return &b->directives[i];
    return NULL;
}
