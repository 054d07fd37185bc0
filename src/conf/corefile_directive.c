/*
 * The directives of a server block, each with its arguments and the lines inside its braces. Every function
 * stands on its first token when it is called and behind its last one when it returns ERR_OK.
 */
#include <string.h>

#include "conf/conf_error_p.h"
#include "conf/corefile_p.h"

/* Growing list of directives. */
struct directive_list {
    struct directive *items;
    size_t count;
};

static int parse_directive(struct token_stream *s, unsigned nesting, struct directive_list *out);

/* The lines between the braces of a directive; stands on the first token behind the `{`. */
static int parse_body(struct token_stream *s, unsigned nesting, const struct token *where,
                      struct directive *d)
{
    struct directive_list lines = {0};
    if (nesting > COREFILE_MAX_NESTING)
        return stream_error(s, "more than %d braces inside each other", COREFILE_MAX_NESTING);
    while (!stream_at(s, "}")) {
        int ret;
        if (s->token == NULL)
            return stream_error(s,
                                "expected '}' to end \"%." SHOWN "s\" of line %u, found the end of the file",
                                d->name, where->line);
        if (stream_at(s, "import"))
            ret = stream_import(s);
        else
            ret = parse_directive(s, nesting, &lines);
        if (ret != ERR_OK)
            return ret;
    }
    d->has_body = true;
    d->body = lines.items;
    d->nbody = lines.count;
    int ret = stream_next(s);
    bool ends_outer = nesting > 1 && stream_at(s, "}");
    if (ret == ERR_OK && s->token != NULL && !s->starts_line && !ends_outer)
        return stream_error(s, "expected the end of the line behind '}', found \"%." SHOWN "s\"",
                            s->token->text);
    return ret;
}

static int add_argument(struct token_stream *s, const char ***args, size_t *count)
{
    const char **grown = conf_arena_grow(s->arena, *args, *count, sizeof *grown);
    if (grown == NULL)
        return conf_arena_error(s->arena);
    *args = grown;
    int ret = corefile_env(s->arena, s->token, &grown[*count], s->e);
    if (ret != ERR_OK)
        return ret;
    ++*count;
    return stream_next(s);
}

/* The words behind the name, and the body where there is one. `nesting` counts the braces of directives
 * around it. */
static int parse_arguments(struct token_stream *s, unsigned nesting, const struct token *where,
                           struct directive *d)
{
    const char **args = NULL;
    size_t count = 0;
    int ret = ERR_OK;
    while (ret == ERR_OK && s->token != NULL && !s->starts_line && !stream_at(s, "{") && !stream_at(s, "}"))
        ret = add_argument(s, &args, &count);
    if (ret != ERR_OK)
        return ret;
    const char **ended = conf_arena_grow(s->arena, args, count, sizeof *ended);
    if (ended == NULL)
        return conf_arena_error(s->arena);
    ended[count] = NULL;
    d->args = ended;
    d->nargs = count;

    if (stream_at(s, "{") && s->starts_line)
        return stream_error(
            s, "expected '{' at the end of the line of \"%." SHOWN "s\", found it on a line of its own",
            d->name);
    if (stream_at(s, "}") && !s->starts_line && nesting == 0)
        return stream_error(
            s, "expected the end of the line, found '}' that no '{' of \"%." SHOWN "s\" opened", d->name);
    if (!stream_at(s, "{"))
        return ERR_OK;
    ret = stream_next(s);
    return ret == ERR_OK ? parse_body(s, nesting + 1, where, d) : ret;
}

static int parse_directive(struct token_stream *s, unsigned nesting, struct directive_list *out)
{
    const struct token *where = s->token;
    struct directive d = {.file = where->file, .line = where->line};
    if (stream_at(s, "{"))
        return stream_error(s, "expected a directive, found '{'");
    int ret = corefile_env(s->arena, where, &d.name, s->e);
    if (ret == ERR_OK && *d.name == '\0')
        return stream_error(s, "expected a directive, found an empty word (\"%." SHOWN "s\")", where->text);
    if (ret == ERR_OK)
        ret = stream_next(s);
    if (ret == ERR_OK)
        ret = parse_arguments(s, nesting, where, &d);
    if (ret != ERR_OK)
        return ret;
    struct directive *grown = conf_arena_grow(s->arena, out->items, out->count, sizeof *grown);
    if (grown == NULL)
        return conf_arena_error(s->arena);
    out->items = grown;
    out->items[out->count++] = d;
    return ERR_OK;
}

int corefile_directives(struct token_stream *s, struct server_block *b)
{
    struct directive_list list = {0};
    bool braces = stream_at(s, "{");
    int ret = braces ? stream_next(s) : ERR_OK;
    while (ret == ERR_OK && s->token != NULL && !stream_at(s, "}")) {
        if (stream_at(s, "import"))
            ret = stream_import(s);
        else
            ret = parse_directive(s, 0, &list);
    }
    if (ret != ERR_OK)
        return ret;
    if (braces && s->token == NULL)
        return stream_error(s, "expected '}' to end the server block of line %u, found the end of the file",
                            b->line);
    if (!braces && s->token != NULL)
        return stream_error(s, "expected a directive, found '}' that no '{' opened");
    b->directives = list.items;
    b->ndirectives = list.count;
    return braces ? stream_next(s) : ERR_OK;
}
