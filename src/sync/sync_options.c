#include "sync/sync_options.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char sync_options_usage[] =
    "Usage:\n"
    "  seamark-sync -conf FILE [-zones DIR] [-once]\n"
    "  seamark-sync -from PATH [-zones DIR] [-once] ZONE...\n"
    "\n"
    "Keeps DIR/ZONE.zone and DIR/ZONE.journal in step with a Kubernetes cluster.\n"
    "\n"
    "  -conf FILE        Corefile; each of its kubernetes blocks is rendered\n"
    "  -from PATH        a file or folder of Kubernetes objects (JSON or YAML) in place of a cluster\n"
    "  -zones DIR        where the zone files are (default " SYNC_ZONES_DEFAULT ",\n"
    "                    or " SYNC_ZONES_FALLBACK " where that cannot be written)\n"
    "  -once             write the zone files and exit\n"
    "  -parent-pid N     end when the process N, which started this one, ends\n"
    "  -version          print the version and exit\n"
    "  -help             print this and exit\n";

enum flag_kind { FLAG_TEXT, FLAG_SWITCH, FLAG_PID };

static const struct flag {
    const char *name;
    enum flag_kind kind;
    size_t offset;
} flags[] = {
    {"conf", FLAG_TEXT, offsetof(struct sync_options, conf)},
    {"from", FLAG_TEXT, offsetof(struct sync_options, from)},
    {"zones", FLAG_TEXT, offsetof(struct sync_options, zones)},
    {"once", FLAG_SWITCH, offsetof(struct sync_options, once)},
    {"parent-pid", FLAG_PID, offsetof(struct sync_options, parent_pid)},
    {"version", FLAG_SWITCH, offsetof(struct sync_options, version)},
    {"help", FLAG_SWITCH, offsetof(struct sync_options, help)},
    {"h", FLAG_SWITCH, offsetof(struct sync_options, help)},
};

static const struct flag *find_flag(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        if (strlen(flags[i].name) == len && strncmp(flags[i].name, name, len) == 0)
            return &flags[i];
    return NULL;
}

/* What Go's strconv.ParseBool takes. */
static bool read_bool(const char *text, bool *out)
{
    static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True"};
    static const char *const no[] = {"0", "f", "F", "false", "FALSE", "False"};
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
        if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0) {
            *out = strcmp(text, yes[i]) == 0;
            return true;
        }
    return false;
}

static int set_flag(struct sync_options *o, const struct flag *flag, const char *value, struct errtext *e)
{
    void *slot = (char *)o + flag->offset;
    char *end;
    switch (flag->kind) {
    case FLAG_TEXT:
        memcpy(slot, &value, sizeof value);
        return ERR_OK;
    case FLAG_SWITCH:
        if (!read_bool(value, slot))
            return errtext_set(e, ERR_CONFIG, "invalid boolean value \"%s\" for -%s", value, flag->name);
        return ERR_OK;
    default:
        errno = 0;
        o->parent_pid = strtol(value, &end, 10);
        if (errno != 0 || *end != '\0' || o->parent_pid <= 0 || o->parent_pid > INT_MAX)
            return errtext_set(e, ERR_CONFIG, "invalid value \"%s\" for flag -%s: expected a process id",
                               value, flag->name);
        return ERR_OK;
    }
}

/* Reads the flag at argv[*at] and steps over it. */
static int read_flag(int argc, char **argv, int *at, struct sync_options *o, struct errtext *e)
{
    const char *word = argv[*at] + 1;
    if (*word == '-')
        word++;
    size_t len = strcspn(word, "=");
    const char *value = word[len] == '=' ? word + len + 1 : NULL;
    if (len == 0 || *word == '-')
        return errtext_set(e, ERR_CONFIG, "bad flag syntax: %s", argv[*at]);
    const struct flag *flag = find_flag(word, len);
    if (flag == NULL)
        return errtext_set(e, ERR_CONFIG, "flag provided but not defined: -%.*s", (int)len, word);
    if (value == NULL && flag->kind == FLAG_SWITCH)
        value = "true";
    if (value == NULL && ++*at < argc)
        value = argv[*at];
    if (value == NULL)
        return errtext_set(e, ERR_CONFIG, "flag needs an argument: -%s", flag->name);
    ++*at;
    return set_flag(o, flag, value, e);
}

static int check(const struct sync_options *o, struct errtext *e)
{
    if (o->version || o->help)
        return ERR_OK;
    if ((o->conf == NULL) == (o->from == NULL))
        return errtext_set(e, ERR_CONFIG, "expected -conf FILE or -from PATH ZONE...");
    if (o->from != NULL && o->nnames == 0)
        return errtext_set(e, ERR_CONFIG, "expected at least one zone behind -from %s, such as cluster.local",
                           o->from);
    if (o->conf != NULL && o->nnames > 0)
        return errtext_set(e, ERR_CONFIG, "unexpected argument \"%s\": the zones stand in %s", o->names[0],
                           o->conf);
    for (size_t i = 0; i < o->nnames; i++)
        if (o->names[i][0] == '-' || strpbrk(o->names[i], " \t\r\n{}\"#$%") != NULL)
            return errtext_set(e, ERR_CONFIG, "expected a zone, found \"%s\"", o->names[i]);
    if (o->from != NULL && (*o->from == '\0' || strpbrk(o->from, "\r\n") != NULL))
        return errtext_set(e, ERR_CONFIG, "expected a file or folder behind -from");
    return ERR_OK;
}

int sync_options_parse(int argc, char **argv, struct sync_options *out, struct errtext *e)
{
    struct sync_options o = {0};
    int at = 1;
    while (at < argc && argv[at][0] == '-' && argv[at][1] != '\0' && strcmp(argv[at], "--") != 0) {
        int ret = read_flag(argc, argv, &at, &o, e);
        if (ret != ERR_OK)
            return ret;
    }
    if (at < argc && strcmp(argv[at], "--") == 0)
        at++;
    o.names = argv + at;
    o.nnames = (size_t)(argc - at);
    int ret = check(&o, e);
    if (ret == ERR_OK)
        *out = o;
    return ret;
}

int sync_options_corefile(const struct sync_options *o, struct bytes *out)
{
    for (int line = 0; line < 2; line++) {
        bytes_append_str(out, line == 0 ? "" : "    kubernetes");
        for (size_t i = 0; i < o->nnames; i++)
            bytes_printf(out, "%s%s", i > 0 || line > 0 ? " " : "", o->names[i]);
        bytes_append_str(out, " {\n");
    }
    return bytes_append_str(out, "        objects -from\n    }\n}\n");
}

/* ---- where the files go ---- */

static int make_folders(const char *path)
{
    char partial[4096];
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof partial - 64) /* room for the names of zones */
        return -ENAMETOOLONG;
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(partial, path, i);
        partial[i] = '\0';
        if (mkdir(partial, 0755) < 0 && errno != EEXIST)
            return -errno;
    }
    struct stat st;
    if (stat(path, &st) < 0)
        return -errno;
    if (!S_ISDIR(st.st_mode))
        return -ENOTDIR;
    return access(path, W_OK | X_OK) < 0 ? -errno : ERR_OK;
}

int sync_options_folder(const struct sync_options *o, char *out, struct errtext *e)
{
    const char *const defaults[] = {SYNC_ZONES_DEFAULT, SYNC_ZONES_FALLBACK};
    const char *const *list = o->zones != NULL ? &o->zones : defaults;
    int ret = ERR_OK;
    for (size_t i = 0; i < (o->zones != NULL ? 1u : 2u); i++) {
        ret = make_folders(list[i]);
        if (ret == ERR_OK) {
            snprintf(out, 4096, "%s", list[i]);
            return ERR_OK;
        }
    }
    return errtext_set(e, ERR_CONFIG, "zone files cannot be written to %s (%s)",
                       o->zones != NULL ? o->zones : SYNC_ZONES_DEFAULT " or " SYNC_ZONES_FALLBACK,
                       err_text(ret));
}
