/*
 * Environment variables, {%NAME%} before {$NAME}, as CoreDNS puts them in: an unset one is empty, and a value
 * may itself name variables. CoreDNS goes on for ever where a variable names itself; here it is an error.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf_error_p.h"
#include "conf/corefile_p.h"

/* Where the first reference of this form is: true with its name in [*name, *end). `{$}` and `{%%}` name
 * nothing and end the search, as CoreDNS has it. */
static bool find_reference(const char *text, const char *open, const char *close, const char **name,
                           const char **end)
{
    const char *start = strstr(text, open);
    if (start == NULL)
        return false;
    *name = start + strlen(open);
    *end = strstr(start, close);
    return *end != NULL && *end > *name;
}

/* Puts the value in the reference's place, everywhere in the word. */
static int replace_all(struct bytes *word, const char *reference, const char *value)
{
    struct bytes result;
    bytes_init(&result, word->max);
    const char *from = word->data;
    for (const char *hit; (hit = strstr(from, reference)) != NULL; from = hit + strlen(reference)) {
        bytes_append(&result, from, (size_t)(hit - from));
        bytes_append_str(&result, value);
    }
    bytes_append_str(&result, from);
    if (result.error != ERR_OK) {
        int error = result.error;
        bytes_free(&result);
        return error;
    }
    bytes_free(word);
    *word = result;
    return ERR_OK;
}

static int expand(struct bytes *word, const char *open, const char *close, unsigned *budget)
{
    const char *name, *end;
    while (word->len > 0 && find_reference(word->data, open, close, &name, &end)) {
        if ((*budget)-- == 0)
            return ERR_LIMIT;
        char *variable = strndup(name, (size_t)(end - name));
        char *reference = strndup(name - strlen(open), (size_t)(end - name) + strlen(open) + strlen(close));
        int ret = -ENOMEM;
        if (variable != NULL && reference != NULL) {
            const char *value = getenv(variable);
            ret = replace_all(word, reference, value == NULL ? "" : value);
        }
        free(variable);
        free(reference);
        if (ret != ERR_OK)
            return ret;
    }
    return ERR_OK;
}

int corefile_env(struct conf_arena *arena, const struct token *token, const char **out, struct errtext *e)
{
    if (strstr(token->text, "{$") == NULL && strstr(token->text, "{%") == NULL) {
        *out = token->text;
        return ERR_OK;
    }
    struct bytes word;
    size_t len = strlen(token->text);
    bytes_init(&word, len > COREFILE_MAX_WORD ? len : COREFILE_MAX_WORD);
    unsigned budget = COREFILE_MAX_ENV_PER_WORD;
    int ret = bytes_append(&word, token->text, len);
    if (ret == ERR_OK)
        ret = expand(&word, "{%", "%}", &budget);
    if (ret == ERR_OK)
        ret = expand(&word, "{$", "}", &budget);
    const char *text = NULL;
    if (ret == ERR_OK) {
        text = conf_arena_strndup(arena, word.data, word.len);
        ret = conf_arena_error(arena);
    }
    if (ret == ERR_LIMIT && text == NULL && conf_arena_error(arena) == ERR_OK)
        ret =
            conf_error(e, token->file, token->line,
                       "environment variables in \"%." SHOWN "s\" give more than %d bytes or name each other",
                       token->text, COREFILE_MAX_WORD);
    bytes_free(&word);
    if (ret == ERR_OK)
        *out = text;
    return ret;
}
