/*
 * Text to tokens, as CoreDNS's lexer has it: words between white space; `"..."` where a word begins, in which
 * only \" is an escape and line ends are kept; `#` comments; carriage returns and a byte order mark are
 * skipped.
 */
#include <string.h>

#include "conf/conf_error_p.h"
#include "conf/corefile_p.h"

struct lexer {
    struct conf_arena *arena;
    const char *file;
    const char *at, *end;
    unsigned line;
    unsigned last_line; /* the line that the token before ended on; 0 before the first */
    struct bytes word;
    struct token *tokens;
    size_t count;
    struct errtext *e;
};

/* White space beyond ASCII (Unicode's White_Space): a no-break space from a web page is the usual culprit. */
static const char *const wide_spaces[] = {
    "\xC2\x85",     "\xC2\xA0",     "\xE1\x9A\x80", "\xE2\x80\x80", "\xE2\x80\x81",
    "\xE2\x80\x82", "\xE2\x80\x83", "\xE2\x80\x84", "\xE2\x80\x85", "\xE2\x80\x86",
    "\xE2\x80\x87", "\xE2\x80\x88", "\xE2\x80\x89", "\xE2\x80\x8A", "\xE2\x80\xA8",
    "\xE2\x80\xA9", "\xE2\x80\xAF", "\xE2\x81\x9F", "\xE3\x80\x80",
};

/* Length in bytes of the white space at the cursor, 0 where there is none. */
static size_t space_len(const struct lexer *l)
{
    unsigned char c = (unsigned char)*l->at;
    if (c == ' ' || (c >= '\t' && c <= '\r'))
        return 1;
    if (c < 0xC2 || c > 0xE3)
        return 0;
    for (size_t i = 0; i < sizeof wide_spaces / sizeof *wide_spaces; i++) {
        size_t len = strlen(wide_spaces[i]);
        if ((size_t)(l->end - l->at) >= len && memcmp(l->at, wide_spaces[i], len) == 0)
            return len;
    }
    return 0;
}

static void skip_space_and_comments(struct lexer *l)
{
    while (l->at < l->end) {
        size_t n = space_len(l);
        if (n == 0 && *l->at != '#')
            return;
        if (n == 0) {
            const char *eol = memchr(l->at, '\n', (size_t)(l->end - l->at));
            l->at = eol == NULL ? l->end : eol;
            continue;
        }
        if (*l->at == '\n')
            l->line++;
        l->at += n;
    }
}

/* A comment glued to a word ends at the next white space, not at the end of the line: `1.1.1.1#53 9.9.9.9` is
 * two addresses in CoreDNS, so it is here. */
static void read_bare(struct lexer *l)
{
    bool comment = false;
    for (; l->at < l->end; l->at++) {
        if (*l->at == '\r')
            continue;
        if (space_len(l) > 0)
            return;
        if (*l->at == '#')
            comment = true;
        if (!comment)
            bytes_append(&l->word, l->at, 1);
    }
}

static int read_quoted(struct lexer *l)
{
    unsigned opened = l->line;
    for (l->at++; l->at < l->end; l->at++) {
        if (*l->at == '"') {
            l->at++;
            return ERR_OK;
        }
        if (*l->at == '\\' && l->at + 1 < l->end) {
            l->at++;
            if (*l->at != '"')
                bytes_append(&l->word, "\\", 1);
        }
        if (*l->at == '\n')
            l->line++;
        bytes_append(&l->word, l->at, 1);
    }
    return conf_error(l->e, l->file, opened, "expected a closing '\"', found the end of the file");
}

static int add_token(struct lexer *l, unsigned line)
{
    if (l->word.error != ERR_OK)
        return l->word.error;
    if (l->count >= COREFILE_MAX_TOKENS)
        return conf_error(l->e, l->file, line, "more than %d words", COREFILE_MAX_TOKENS);
    struct token *grown = conf_arena_grow(l->arena, l->tokens, l->count, sizeof *l->tokens);
    const char *text = conf_arena_strndup(l->arena, l->word.data, l->word.len);
    if (grown == NULL || text == NULL)
        return conf_arena_error(l->arena);
    l->tokens = grown;
    l->tokens[l->count++] = (struct token){
        .text = text,
        .file = l->file,
        .line = line,
        .starts_line = line > l->last_line,
    };
    l->last_line = l->line;
    bytes_reset(&l->word);
    return ERR_OK;
}

/* Tokens are C strings from here on. */
static int refuse_nul(struct lexer *l)
{
    size_t len = (size_t)(l->end - l->at);
    const char *nul = len == 0 ? NULL : memchr(l->at, '\0', len);
    if (nul == NULL)
        return ERR_OK;
    unsigned line = 1;
    for (const char *p = l->at; p < nul; p++)
        line += *p == '\n';
    return conf_error(l->e, l->file, line, "expected text, found a NUL byte");
}

int corefile_lex(struct conf_arena *arena, const char *file, const char *text, size_t len,
                 struct token_list *out, struct errtext *e)
{
    struct lexer l = {.arena = arena, .file = file, .at = text, .end = text + len, .line = 1, .e = e};
    bytes_init(&l.word, len);
    if (len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
        l.at += 3;
    int ret = refuse_nul(&l);
    while (ret == ERR_OK) {
        skip_space_and_comments(&l);
        if (l.at >= l.end)
            break;
        unsigned line = l.line;
        if (*l.at == '"')
            ret = read_quoted(&l);
        else
            read_bare(&l);
        if (ret == ERR_OK)
            ret = add_token(&l, line);
    }
    bytes_free(&l.word);
    if (ret != ERR_OK)
        return ret;
    out->tokens = l.tokens;
    out->count = l.count;
    return ERR_OK;
}
