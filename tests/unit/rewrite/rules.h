/* Rules of `rewrite` from a line of words. */
#ifndef SEAMARK_TESTS_RULES_H
#define SEAMARK_TESTS_RULES_H

#include <stdlib.h>
#include <string.h>

#include "rewrite/rewrite_question.h"

/* Reads the words of `line`; two blanks stand for an empty word between them. */
static inline int read_rule(const char *line, struct rewrite_rule *out, struct errtext *e)
{
    char copy[1024], *rest = copy;
    const char *words[32];
    size_t count = 0;
    snprintf(copy, sizeof copy, "%s", line);
    while (*line != '\0' && rest != NULL && count < 32)
        words[count++] = strsep(&rest, " ");
    return rewrite_rule_read(words, count, out, e);
}

/* A list of the lines, up to NULL. */
static inline struct rewrite_list list_of(const char *const *lines)
{
    struct rewrite_list list = {.rules = calloc(32, sizeof *list.rules)};
    for (; lines[list.count] != NULL; list.count++) {
        struct errtext e = {0};
        if (read_rule(lines[list.count], &list.rules[list.count], &e) != ERR_OK) {
            fprintf(stderr, "%s: %s\n", lines[list.count], e.text);
            abort();
        }
    }
    return list;
}

static inline void list_free(struct rewrite_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        rewrite_rule_free(&list->rules[i]);
    free(list->rules);
}

#endif
