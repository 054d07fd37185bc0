/*
 * From the word behind `import` to paths: relative to the folder of the file that the word stands in, with at
 * most one
 * `*` and one `?`, as CoreDNS has it (more of them would let a pattern walk the whole file system).
 */
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "conf/conf_error_p.h"
#include "conf/corefile_p.h"

static size_t occurrences(const char *text, char c)
{
    size_t n = 0;
    for (; (text = strchr(text, c)) != NULL; text++)
        n++;
    return n;
}

/* `pattern` as an absolute path. Not resolved: messages name a file as its importer knows it. */
static int absolute(struct conf_arena *arena, const struct token *token, const char *pattern,
                    const char **out, struct errtext *e)
{
    struct bytes path;
    bytes_init(&path, 2 * PATH_MAX);
    const char *slash = strrchr(token->file, '/');
    if (pattern[0] != '/') {
        if (token->file[0] != '/') {
            char *cwd = getcwd(NULL, 0);
            if (cwd == NULL)
                return conf_error(e, token->file, token->line, "the current folder is not known: %s",
                                  err_text(-errno));
            bytes_append_str(&path, cwd);
            bytes_append_str(&path, "/");
            free(cwd);
        }
        bytes_append(&path, token->file, slash == NULL ? 0 : (size_t)(slash + 1 - token->file));
    }
    bytes_append_str(&path, pattern);
    int ret = path.error;
    if (ret == ERR_LIMIT)
        ret = conf_error(e, token->file, token->line, "the path to import is longer than %d bytes",
                         2 * PATH_MAX);
    if (ret == ERR_OK) {
        const char *copy = conf_arena_strndup(arena, path.data, path.len);
        ret = conf_arena_error(arena);
        if (ret == ERR_OK)
            *out = copy;
    }
    bytes_free(&path);
    return ret;
}

/* What a mounted ConfigMap's folder holds besides its files: `.`, `..`, `..data` and the like, all folders.
 */
static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int keep_files(struct conf_arena *arena, const glob_t *found, const char ***paths, size_t *count)
{
    const char **kept = conf_arena_alloc(arena, (found->gl_pathc + 1) * sizeof *kept);
    size_t n = 0;
    for (size_t i = 0; kept != NULL && i < found->gl_pathc; i++)
        if (!is_folder(found->gl_pathv[i]))
            kept[n++] = conf_arena_strndup(arena, found->gl_pathv[i], strlen(found->gl_pathv[i]));
    if (conf_arena_error(arena) != ERR_OK)
        return conf_arena_error(arena);
    *paths = kept;
    *count = n;
    return ERR_OK;
}

int corefile_glob(struct conf_arena *arena, const struct token *token, const char *pattern,
                  const char ***paths, size_t *count, struct errtext *e)
{
    const char *path = NULL;
    int ret = absolute(arena, token, pattern, &path, e);
    if (ret != ERR_OK)
        return ret;
    if (occurrences(path, '*') > 1 || occurrences(path, '?') > 1 ||
        (strchr(path, '[') != NULL && strchr(path, ']') != NULL))
        return conf_error(e, token->file, token->line,
                          "a pattern to import may have one wildcard (*) only, found %." SHOWN "s", path);
    if (strpbrk(path, "*?") == NULL) {
        const char **one = conf_arena_alloc(arena, sizeof *one);
        if (one == NULL)
            return conf_arena_error(arena);
        one[0] = path;
        *paths = one;
        *count = 1;
        return ERR_OK;
    }

    glob_t found;
    int status = glob(path, GLOB_PERIOD, NULL, &found);
    if (status == GLOB_NOSPACE)
        return -ENOMEM;
    if (status == 0) {
        ret = keep_files(arena, &found, paths, count);
        globfree(&found);
    } else {
        *count = 0;
    }
    if (ret == ERR_OK && *count == 0)
        log_warning("No files matching import glob pattern: %s", pattern);
    return ret;
}
