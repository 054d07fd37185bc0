#include <string.h>

#include "base/rune.h"
#include "gotemplate/lex_p.h"

#define SHOWN_MAX 10 /* characters of a word that errors show */

static const struct {
    const char *word;
    enum tpl_token_kind kind;
} keywords[] = {
    {"block", TOKEN_BLOCK},
    {"break", TOKEN_BREAK},
    {"continue", TOKEN_CONTINUE},
    {"define", TOKEN_DEFINE},
    {"else", TOKEN_ELSE},
    {"end", TOKEN_END},
    {"if", TOKEN_IF},
    {"nil", TOKEN_NIL},
    {"range", TOKEN_RANGE},
    {"template", TOKEN_TEMPLATE},
    {"with", TOKEN_WITH},
    {"true", TOKEN_BOOL},
    {"false", TOKEN_BOOL},
};

enum tpl_token_kind tpl_keyword(struct tpl_slice word)
{
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
        if (word.len == strlen(keywords[i].word) && memcmp(word.at, keywords[i].word, word.len) == 0)
            return keywords[i].kind;
    return TOKEN_IDENTIFIER;
}

void tpl_token_show(const struct tpl_token *t, struct bytes *out)
{
    if (t->kind == TOKEN_END_OF_TEXT) {
        bytes_append_str(out, "EOF");
    } else if (t->kind == TOKEN_ERROR) {
        bytes_append(out, t->text.at, t->text.len);
    } else if (t->kind > TOKEN_KEYWORDS) {
        bytes_printf(out, "<%.*s>", (int)t->text.len, t->text.at);
    } else {
        size_t shown = 0;
        unsigned width;
        for (unsigned i = 0; i < SHOWN_MAX && shown < t->text.len; i++, shown += width)
            rune_read(t->text.at + shown, t->text.at + t->text.len, &width);
        rune_quote_text(out, t->text.at, t->text.len > SHOWN_MAX ? shown : t->text.len, false);
        if (t->text.len > SHOWN_MAX)
            bytes_append_str(out, "...");
    }
}
