/*
 * From the stream of tokens to server blocks:
 *
 *     file      = { block | snippet | import }
 *     block     = keys [ "{" directives "}" ]      without braces: to the end, so it is the only or the last
 * one snippet   = "(" NAME ")" "{" anything "}" directive = NAME { argument } [ "{" directives "}" ]   to the
 * end of the line, the brace being its last word import    = "import" SNIPPET-or-FILE-or-PATTERN        where
 * a block or a directive may begin
 *
 * Every function stands on its first token when it is called and behind its last one when it returns ERR_OK.
 */
#include <string.h>

#include "conf/conf_error_p.h"
#include "conf/corefile_p.h"

/* Keys as they are written, for a snippet's name is one of them. */
struct written_key {
    const char *text;
    struct token where;
};

struct written_keys {
    struct written_key *items;
    size_t count;
    bool more; /* the last one ended in a comma */
};

static int add_written_key(struct token_stream *s, struct written_keys *keys, const char *word, size_t len)
{
    struct written_key *grown = conf_arena_grow(s->arena, keys->items, keys->count, sizeof *grown);
    const char *text = conf_arena_strndup(s->arena, word, len);
    if (grown == NULL || text == NULL)
        return conf_arena_error(s->arena);
    keys->items = grown;
    keys->items[keys->count++] = (struct written_key){text, *s->token};
    return ERR_OK;
}

/* One word of the line of keys: `a.org`, `a.org,` or `a.org,b.org`. CoreDNS takes the last one for one zone
 * with a comma in its name, which nobody asks for. */
static int add_written_keys(struct token_stream *s, struct written_keys *keys)
{
    const char *word = NULL;
    int ret = corefile_env(s->arena, s->token, &word, s->e);
    while (ret == ERR_OK && *word != '\0') {
        size_t len = strcspn(word, ",");
        if (len > 0)
            ret = add_written_key(s, keys, word, len);
        keys->more = word[len] == ',';
        word += len + keys->more;
    }
    return ret;
}

/* The keys up to the `{`, the end of the line or the end of the file; a comma at the end goes on on the next
 * line. */
static int parse_written_keys(struct token_stream *s, struct written_keys *keys)
{
    bool first = true;
    while (s->token != NULL && (first || !s->starts_line || keys->more)) {
        if (stream_at(s, "{") && !keys->more)
            return ERR_OK;
        if (stream_at(s, "{") || stream_at(s, "}"))
            return stream_error(s, "expected a zone%s, found '%s'", keys->more ? " behind the comma" : "",
                                s->token->text);
        int ret;
        if (s->starts_line && stream_at(s, "import")) {
            ret = stream_import(s); /* what it gives may itself begin with an import, or be nothing at all */
        } else {
            ret = add_written_keys(s, keys);
            if (ret == ERR_OK)
                ret = stream_next(s);
            first = false;
        }
        if (ret != ERR_OK)
            return ret;
    }
    if (keys->more)
        return stream_error(s, "expected a zone behind the comma, found the end of the file");
    return ERR_OK;
}

/* The name inside the parentheses, or NULL where the key is no snippet's. */
static const char *snippet_name(struct token_stream *s, const struct written_keys *keys)
{
    const char *text = keys->count == 1 ? keys->items[0].text : "";
    size_t len = strlen(text);
    if (len < 2 || text[0] != '(' || text[len - 1] != ')')
        return NULL;
    return conf_arena_strndup(s->arena, text + 1, len - 2);
}

static int define_snippet(struct token_stream *s, const struct written_keys *keys, const char *name)
{
    if (!stream_at(s, "{"))
        return stream_error(s, "expected '{' behind the snippet's name, found \"%." SHOWN "s\"",
                            s->token == NULL ? "the end of the file" : s->token->text);
    return stream_define_snippet(s, name, &keys->items[0].where);
}

static int add_block(struct token_stream *s, const struct server_block *b, struct server_block **blocks,
                     size_t *count)
{
    struct server_block *grown = conf_arena_grow(s->arena, *blocks, *count, sizeof *grown);
    if (grown == NULL)
        return conf_arena_error(s->arena);
    grown[*count] = *b;
    *blocks = grown;
    ++*count;
    return ERR_OK;
}

/* A server block or a snippet; nothing where imports at the end of the file gave nothing. */
static int parse_block(struct token_stream *s, struct server_block **blocks, size_t *count)
{
    struct written_keys written = {0};
    int ret = parse_written_keys(s, &written);
    if (ret != ERR_OK)
        return ret;
    if (written.count == 0 && s->token == NULL)
        return ERR_OK;
    if (written.count == 0)
        return stream_error(s, "expected a zone before the server block, found none");
    const char *name = snippet_name(s, &written);
    if (conf_arena_error(s->arena) != ERR_OK)
        return conf_arena_error(s->arena);
    if (name != NULL)
        return define_snippet(s, &written, name);

    struct server_block b = {.file = written.items[0].where.file, .line = written.items[0].where.line};
    struct key_list keys = {0};
    for (size_t i = 0; ret == ERR_OK && i < written.count; i++)
        ret = corefile_key(s->arena, &written.items[i].where, written.items[i].text, &keys, s->e);
    b.keys = keys.keys;
    b.nkeys = keys.count;
    if (ret == ERR_OK && s->token != NULL)
        ret = corefile_directives(s, &b);
    return ret == ERR_OK ? add_block(s, &b, blocks, count) : ret;
}

int corefile_blocks(struct token_stream *s, const struct server_block **out, size_t *count)
{
    struct server_block *blocks = NULL;
    size_t n = 0;
    while (s->token != NULL) {
        int ret = parse_block(s, &blocks, &n);
        if (ret != ERR_OK)
            return ret;
    }
    *out = blocks;
    *count = n;
    return ERR_OK;
}
