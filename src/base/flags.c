#include "base/flags.h"

#include <stdio.h>
#include <string.h>

static const struct flag *find(const struct flag *flags, size_t count, const char *name, size_t len)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(flags[i].name) == len && memcmp(flags[i].name, name, len) == 0)
            return &flags[i];
    return NULL;
}

static int set_number(const struct flag *f, const char *text, struct errtext *e)
{
    uint64_t n = 0;
    const char *p = text;
    for (; *p >= '0' && *p <= '9' && n <= f->max; p++)
        n = n * 10 + (uint64_t)(*p - '0');
    if (p == text || *p != '\0' || n > f->max)
        return errtext_set(e, ERR_CONFIG, "flag -%s: expected a number from 0 to %u, found \"%s\"", f->name,
                           f->max, text);
    *(uint32_t *)f->value = (uint32_t)n;
    return ERR_OK;
}

/* What Go's strconv.ParseBool takes. */
static int set_switch(const struct flag *f, const char *text, struct errtext *e)
{
    static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True"};
    static const char *const no[] = {"0", "f", "F", "false", "FALSE", "False"};
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
        if (text == NULL || strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0) {
            *(bool *)f->value = text == NULL || strcmp(text, yes[i]) == 0;
            return ERR_OK;
        }
    return errtext_set(e, ERR_CONFIG, "flag -%s: expected true or false, found \"%s\"", f->name, text);
}

int flags_parse(const struct flag *flags, size_t count, int argc, char **argv, int *rest, struct errtext *e)
{
    int i = 1;
    for (; i < argc && argv[i][0] == '-' && argv[i][1] != '\0'; i++) {
        if (strcmp(argv[i], "--") == 0) {
            i++;
            break;
        }
        const char *name = argv[i] + (argv[i][1] == '-' ? 2 : 1);
        size_t len = strcspn(name, "=");
        const char *value = name[len] == '=' ? name + len + 1 : NULL;
        if (len == 0 || *name == '-')
            return errtext_set(e, ERR_CONFIG, "bad flag syntax: %s", argv[i]);
        const struct flag *f = find(flags, count, name, len);
        if (f == NULL)
            return errtext_set(e, ERR_CONFIG, "flag provided but not defined: -%.*s", (int)len, name);
        if (f->type == FLAG_SWITCH) {
            int ret = set_switch(f, value, e);
            if (ret != ERR_OK)
                return ret;
            continue;
        }
        if (value == NULL && i + 1 < argc)
            value = argv[++i];
        if (value == NULL)
            return errtext_set(e, ERR_CONFIG, "flag needs an argument: -%s", f->name);
        if (f->type == FLAG_TEXT)
            *(const char **)f->value = value;
        else if (set_number(f, value, e) != ERR_OK)
            return ERR_CONFIG;
    }
    *rest = i;
    return ERR_OK;
}

void flags_help(const struct flag *flags, size_t count)
{
    for (size_t i = 0; i < count; i++)
        printf("  -%s%s\n        %s\n", flags[i].name, flags[i].type == FLAG_SWITCH ? "" : " VALUE",
               flags[i].help);
}
