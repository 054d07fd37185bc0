/* struct zone_list of conf/args.h. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "conf/args.h"
#include "conf/zone_word_p.h"

/* A directive with more zones than this is a mistake; adding looks through the list each time. */
#define ZONE_LIST_MAX 4096

static int add(struct zone_list *list, const char *zone)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->zones[i], zone) == 0)
            return ERR_OK;
    if (list->count >= ZONE_LIST_MAX)
        return ERR_LIMIT;
    char **grown = realloc(list->zones, (list->count + 1) * sizeof *grown);
    if (grown == NULL)
        return -ENOMEM;
    list->zones = grown;
    list->zones[list->count] = strdup(zone);
    if (list->zones[list->count] == NULL)
        return -ENOMEM;
    list->count++;
    return ERR_OK;
}

int zone_list_add(struct zone_list *list, const char *word)
{
    struct zone_word w;
    const char *why;
    int ret = zone_word_read(word, &w, &why);
    for (unsigned i = 0; ret == ERR_OK && i < zone_word_count(&w); i++) {
        char zone[NAME_MAX_TEXT];
        ret = add(list, zone_word_zone(&w, i, zone));
    }
    return ret;
}

int zone_list_add_plain(struct zone_list *list, const char *name)
{
    return add(list, name);
}

void zone_list_free(struct zone_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->zones[i]);
    free(list->zones);
    *list = (struct zone_list){0};
}

/* A dot with an odd number of backslashes before it belongs to a label. */
static bool is_label_end(const char *name, size_t dot)
{
    size_t backslashes = 0;
    while (backslashes < dot && name[dot - 1 - backslashes] == '\\')
        backslashes++;
    return name[dot] == '.' && backslashes % 2 == 0;
}

static bool is_in(const char *name, size_t name_len, const char *zone, size_t zone_len)
{
    if (strcmp(zone, ".") == 0)
        return true;
    if (zone_len > name_len || memcmp(name + name_len - zone_len, zone, zone_len) != 0)
        return false;
    return zone_len == name_len || is_label_end(name, name_len - zone_len - 1);
}

const char *zone_list_match(const struct zone_list *list, const char *name)
{
    const char *best = NULL;
    size_t best_len = 0, name_len = strlen(name);
    for (size_t i = 0; i < list->count; i++) {
        size_t len = strlen(list->zones[i]);
        if (len > best_len && is_in(name, name_len, list->zones[i], len)) {
            best = list->zones[i];
            best_len = len;
        }
    }
    return best;
}
