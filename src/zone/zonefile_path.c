/* Where a zone's files are. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "zone/zonefile.h"

/* Room that a file name needs beyond zone and suffix: ".tmp", while it is being replaced. */
#define TEMPORARY_SUFFIX_LEN 4

/* The zone's presentation form as a file name: lower case, no final dot, nothing that means something in a
 * path. */
static size_t file_name(const uint8_t *apex, char *out, size_t out_len)
{
    uint8_t lname[NAME_MAX_LEN];
    char text[NAME_MAX_TEXT];
    name_lower(lname, apex);
    name_to_text(lname, text);
    if (lname[0] == 0)
        return (size_t)snprintf(out, out_len, "root");
    if (strcmp(text, "root.") == 0) /* a zone of that name must not share the root zone's file */
        return (size_t)snprintf(out, out_len, "%%72oot");
    text[strlen(text) - 1] = '\0';
    size_t len = 0;
    for (const char *c = text; *c != '\0'; c++) {
        bool escape = *c == '/' || *c == '%' || *c == '+' || (unsigned char)*c < ' ' || *c == 0x7f;
        size_t room = len < out_len ? out_len - len : 0;
        len +=
            (size_t)snprintf(room == 0 ? NULL : out + len, room, escape ? "%%%02X" : "%c", (unsigned char)*c);
    }
    return len;
}

int zonefile_path(const char *folder, const uint8_t *apex, const char *view, const char *suffix, char *out,
                  size_t out_len)
{
    char name[NAME_MAX + 1];
    const char *plus = *view != '\0' ? "+" : "";
    size_t rest = strlen(plus) + strlen(view) + strlen(suffix) + TEMPORARY_SUFFIX_LEN;
    if (file_name(apex, name, sizeof name) + rest > NAME_MAX)
        return ERR_LIMIT;
    size_t len = (size_t)snprintf(out, out_len, "%s/%s%s%s%s", folder, name, plus, view, suffix);
    return len < out_len ? ERR_OK : ERR_LIMIT;
}

char *zonefile_title(const uint8_t *apex, const char *view, char out[ZONEFILE_TITLE_MAX])
{
    char text[NAME_MAX_TEXT];
    name_to_text(apex, text);
    if (*view == '\0')
        snprintf(out, ZONEFILE_TITLE_MAX, "%s", text);
    else
        snprintf(out, ZONEFILE_TITLE_MAX, "%s (%s)", text, view);
    return out;
}
