#include "sync/sync_options.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/flags.h"
#include "zone/folder.h"

#define FLAGS 8

static void make_flags(struct sync_options *o, struct flag flags[FLAGS])
{
    const struct flag table[FLAGS] = {
        {"conf", FLAG_TEXT, &o->conf, 0, "Corefile; each of its kubernetes blocks is rendered"},
        {"from", FLAG_TEXT, &o->from, 0,
         "a file or folder of Kubernetes objects (JSON or YAML) in place of a cluster; zones follow the "
         "flags"},
        {"zones", FLAG_TEXT, &o->zones, 0,
         "folder of the zone files (" FOLDER_DEFAULT ", or " FOLDER_FALLBACK
         " where that cannot be written)"},
        {"once", FLAG_SWITCH, &o->once, 0, "write the zone files and exit"},
        {"parent-pid", FLAG_NUMBER, &o->parent_pid, INT_MAX,
         "end when this process, which started this one, ends"},
        {"version", FLAG_SWITCH, &o->version, 0, "show the version"},
        {"help", FLAG_SWITCH, &o->help, 0, "show this"},
        {"h", FLAG_SWITCH, &o->help, 0, "show this"},
    };
    memcpy(flags, table, sizeof table);
}

void sync_options_help(void)
{
    struct sync_options o;
    struct flag flags[FLAGS];
    make_flags(&o, flags);
    puts("Usage:\n  seamark-sync -conf FILE [-zones DIR] [-once]\n"
         "  seamark-sync -from PATH [-zones DIR] [-once] ZONE...\n"
         "Keeps DIR/ZONE.zone and DIR/ZONE.journal in step with a Kubernetes cluster.");
    flags_help(flags, FLAGS);
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
    struct flag flags[FLAGS];
    int rest;
    make_flags(&o, flags);
    int ret = flags_parse(flags, FLAGS, argc, argv, &rest, e);
    if (ret != ERR_OK)
        return ret;
    o.names = argv + rest;
    o.nnames = (size_t)(argc - rest);
    ret = check(&o, e);
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
