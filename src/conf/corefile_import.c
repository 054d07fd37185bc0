/*
 * The stream of tokens: the main file's, and in the place of every `import` what it stands for.
 *
 * An import pushes a frame, the end of its tokens pops it. A file or snippet that stands on the stack of
 * frames already is being imported by itself: a cycle, refused as soon as it closes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf_error_p.h"
#include "conf/corefile_p.h"

int stream_error(const struct token_stream *s, const char *format, ...)
{
    const struct token *where = s->token != NULL ? s->token : s->last;
    va_list ap;
    va_start(ap, format);
    conf_verror(s->e, where == NULL ? s->paths[0] : where->file, where == NULL ? 1 : where->line, "", format,
                ap);
    va_end(ap);
    return ERR_CONFIG;
}

bool stream_at(const struct token_stream *s, const char *word)
{
    return s->token != NULL && strcmp(s->token->text, word) == 0;
}

/* Keeps the tokens of a file under its canonical path, so that it is read once however often it is imported.
 */
static int add_file(struct token_stream *s, const char *path, const char *canonical, const char *text,
                    size_t len, const struct token_list **out)
{
    const struct token_list **files = conf_arena_grow(s->arena, s->files, s->nfiles, sizeof *files);
    const char **paths = conf_arena_grow(s->arena, s->paths, s->nfiles, sizeof *paths);
    struct token_list *list = conf_arena_alloc(s->arena, sizeof *list);
    char *shown = conf_arena_strndup(s->arena, path, strlen(path));
    char *identity = conf_arena_strndup(s->arena, canonical, strlen(canonical));
    if (files == NULL || paths == NULL || list == NULL || shown == NULL || identity == NULL)
        return conf_arena_error(s->arena);
    list->name = identity;
    s->files = files;
    s->paths = paths;
    s->files[s->nfiles] = list;
    s->paths[s->nfiles++] = shown;
    int ret = corefile_lex(s->arena, shown, text, len, list, s->e);
    if (ret != ERR_OK)
        return ret;
    s->lexed += list->count;
    if (s->lexed > COREFILE_MAX_TOKENS)
        return stream_error(s, "more than %d words in all files", COREFILE_MAX_TOKENS);
    *out = list;
    return ERR_OK;
}

int stream_begin(struct token_stream *s, const char *name, const char *text, size_t len)
{
    const struct token_list *main_file = NULL;
    char *canonical = realpath(name, NULL); /* NULL for text that is not in a file */
    int ret = add_file(s, name, canonical == NULL ? name : canonical, text, len, &main_file);
    free(canonical);
    if (ret != ERR_OK)
        return ret;
    const struct token_list **only = conf_arena_alloc(s->arena, sizeof *only);
    if (only == NULL)
        return conf_arena_error(s->arena);
    only[0] = main_file;
    s->frames[0] = (struct import_frame){.lists = only, .count = 1};
    s->depth = 1;
    return stream_next(s);
}

int stream_next(struct token_stream *s)
{
    if (s->token != NULL)
        s->last = s->token;
    s->token = NULL;
    for (bool boundary = false; s->depth > 0; boundary = true) {
        struct import_frame *f = &s->frames[s->depth - 1];
        if (f->current == f->count) {
            s->depth--;
            continue;
        }
        const struct token_list *list = f->lists[f->current];
        if (f->at == list->count) {
            f->current++;
            f->at = 0;
            continue;
        }
        const struct token *t = &list->tokens[f->at];
        if (++s->taken > COREFILE_MAX_TOKENS) {
            s->token = t;
            return stream_error(s, "more than %d words, those of imports included", COREFILE_MAX_TOKENS);
        }
        s->token = t;
        s->starts_line = boundary || f->at == 0 || t->starts_line;
        f->at++;
        return ERR_OK;
    }
    return ERR_OK;
}

/* The word behind `import`, which has to be there and to be the last of its line; the stream then stands on
 * it. */
static int import_argument(struct token_stream *s, const char **out)
{
    const struct token *import = s->token;
    int ret = stream_next(s);
    if (ret != ERR_OK)
        return ret;
    if (s->token == NULL || s->starts_line)
        return conf_error(
            s->e, import->file, import->line,
            "expected a snippet, a file or a pattern behind \"import\", found the end of the line");
    const struct import_frame *f = &s->frames[s->depth - 1];
    const struct token_list *list = f->lists[f->current];
    if (f->at < list->count && !list->tokens[f->at].starts_line)
        return stream_error(s, "import takes one snippet, file or pattern, found \"%." SHOWN "s\" behind it",
                            list->tokens[f->at].text);
    ret = corefile_env(s->arena, s->token, out, s->e);
    if (ret == ERR_OK && **out == '\0')
        return stream_error(s,
                            "expected a snippet, a file or a pattern behind \"import\", found an empty word");
    return ret;
}

static const struct token_list *find_snippet(const struct token_stream *s, const char *name)
{
    for (size_t i = 0; i < s->nsnippets; i++)
        if (strcmp(s->snippets[i]->name, name) == 0)
            return s->snippets[i];
    return NULL;
}

/* Reads a file, or finds it among those that were read. `shown` is the path for error messages. */
static int load_file(struct token_stream *s, const char *shown, const struct token_list **out)
{
    char *canonical = realpath(shown, NULL);
    const char *identity = canonical == NULL ? shown : canonical;
    for (size_t i = 0; i < s->nfiles; i++)
        if (strcmp(s->files[i]->name, identity) == 0) {
            *out = s->files[i];
            free(canonical);
            return ERR_OK;
        }
    struct bytes text;
    bytes_init(&text, COREFILE_MAX_FILE_SIZE);
    int ret;
    if (s->nfiles >= COREFILE_MAX_FILES) {
        ret = stream_error(s, "more than %d files", COREFILE_MAX_FILES);
    } else if ((ret = s->read(shown, &text)) == ERR_LIMIT) {
        ret = stream_error(s, "could not import %s: larger than %zu bytes", shown, COREFILE_MAX_FILE_SIZE);
    } else if (ret == -ENOENT) {
        ret = stream_error(s, "file to import not found: %s", shown);
    } else if (ret != ERR_OK && ret != -ENOMEM) {
        ret = stream_error(s, "could not import %s: %s", shown, err_text(ret));
    } else if (ret == ERR_OK) {
        ret = add_file(s, shown, identity, text.data, text.len, out);
    }
    bytes_free(&text);
    free(canonical);
    return ret;
}

/* The lists that the import stands for: one snippet, or the files of a path or pattern. */
static int import_lists(struct token_stream *s, const char *word, const struct token_list ***lists,
                        size_t *count)
{
    const struct token_list *snippet = find_snippet(s, word);
    const char **paths = NULL;
    size_t npaths = 0;
    if (snippet == NULL) {
        int ret = corefile_glob(s->arena, s->token, word, &paths, &npaths, s->e);
        if (ret != ERR_OK)
            return ret;
    }
    const struct token_list **found = conf_arena_alloc(s->arena, (npaths + 1) * sizeof *found);
    if (found == NULL)
        return conf_arena_error(s->arena);
    for (size_t i = 0; i < npaths; i++) {
        int ret = load_file(s, paths[i], &found[i]);
        if (ret != ERR_OK)
            return ret;
    }
    if (snippet != NULL)
        found[npaths++] = snippet;
    *lists = found;
    *count = npaths;
    return ERR_OK;
}

static bool being_imported(const struct token_stream *s, const struct token_list *list)
{
    for (size_t i = 0; i < s->depth; i++)
        if (s->frames[i].current < s->frames[i].count && s->frames[i].lists[s->frames[i].current] == list)
            return true;
    return false;
}

int stream_import(struct token_stream *s)
{
    const char *word = NULL;
    const struct token_list **lists = NULL;
    size_t count = 0;
    int ret = import_argument(s, &word);
    if (ret == ERR_OK)
        ret = import_lists(s, word, &lists, &count);
    if (ret != ERR_OK)
        return ret;
    for (size_t i = 0; i < count; i++)
        if (being_imported(s, lists[i]))
            return stream_error(s, "import cycle: %s imports itself", lists[i]->name);
    if (s->depth >= COREFILE_MAX_IMPORT_DEPTH)
        return stream_error(s, "more than %d imports inside each other", COREFILE_MAX_IMPORT_DEPTH);
    s->frames[s->depth++] = (struct import_frame){.lists = lists, .count = count};
    return stream_next(s);
}

int stream_define_snippet(struct token_stream *s, const char *name, const struct token *where)
{
    if (find_snippet(s, name) != NULL)
        return conf_error(s->e, where->file, where->line, "snippet \"%." SHOWN "s\" is defined twice", name);
    struct token *tokens = NULL;
    size_t count = 0;
    for (unsigned depth = 1;;) {
        int ret = stream_next(s);
        if (ret != ERR_OK)
            return ret;
        if (s->token == NULL)
            return stream_error(s, "expected '}' to end the snippet of line %u, found the end of the file",
                                where->line);
        if (stream_at(s, "{"))
            depth++;
        if (stream_at(s, "}") && --depth == 0)
            break;
        struct token *grown = conf_arena_grow(s->arena, tokens, count, sizeof *tokens);
        if (grown == NULL)
            return conf_arena_error(s->arena);
        tokens = grown;
        tokens[count] = *s->token;
        tokens[count++].starts_line = s->starts_line;
    }
    const struct token_list **snippets =
        conf_arena_grow(s->arena, s->snippets, s->nsnippets, sizeof *snippets);
    struct token_list *list = conf_arena_alloc(s->arena, sizeof *list);
    if (snippets == NULL || list == NULL)
        return conf_arena_error(s->arena);
    *list = (struct token_list){.name = name, .tokens = tokens, .count = count};
    s->snippets = snippets;
    s->snippets[s->nsnippets++] = list;
    return stream_next(s);
}
