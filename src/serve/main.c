/* seamark: the serving process. Flags as CoreDNS's. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/flags.h"
#include "base/log.h"
#include "base/pool.h"
#include "conf/corefile_stdin.h"
#include "serve/control.h"
#include "serve/plugin.h"
#include "serve/server.h"
#include "serve/worker.h"
#include "zone/folder.h"

struct command_line {
    const char *conf;
    const char *zones;
    const char *sync;
    const char *pidfile;
    uint32_t dns_port;
    uint32_t workers;
    bool check, quiet, version, plugins, help, loop_exit;
};

static void print_plugins(void)
{
    for (size_t i = 0; i < plugin_count; i++)
        printf("dns.%s\n", plugin_table[i]->name);
}

static int write_pidfile(const char *path)
{
    FILE *f = fopen(path, "we");
    if (f == NULL || fprintf(f, "%ld\n", (long)getpid()) < 0 || fclose(f) != 0) {
        fprintf(stderr, "pidfile %s: cannot be written\n", path);
        return 1;
    }
    return 0;
}

/* `-conf`, or ./Corefile where there is one, or NULL; an absolute path, since seamark-sync gets it too. */
static int find_corefile(const char *wanted, char *out, const char **path, struct errtext *e)
{
    *path = wanted;
    if (wanted != NULL && strcmp(wanted, "stdin") == 0)
        return corefile_take_stdin(path, e);
    if (wanted == NULL && access("Corefile", F_OK) < 0 && errno == ENOENT)
        return ERR_OK;
    *path = wanted != NULL ? wanted : "Corefile";
    if (realpath(*path, out) != NULL)
        *path = out;
    return ERR_OK;
}

/* As many descriptors as the process may have, as Go programs take them: each connection is one. */
static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int run(const struct command_line *c)
{
    static char conf[PATH_MAX];
    struct errtext e = {0};
    if (strcmp(c->sync, "external") != 0 && strcmp(c->sync, "supervised") != 0) {
        fprintf(stderr, "flag -sync: expected external or supervised, found \"%s\"\n", c->sync);
        return 2;
    }
    struct server_options o = {.config = {.dns_port = (uint16_t)c->dns_port, .zones_folder = c->zones},
                               .workers = c->workers,
                               .external_sync = strcmp(c->sync, "external") == 0,
                               .quiet = c->quiet};
    if (find_corefile(c->conf, conf, &o.conf, &e) != ERR_OK) {
        fprintf(stderr, "%s\n", e.text);
        return 1;
    }
    o.config.zones_folder = folder_find(c->zones);
    if (c->check)
        return server_check(&o);
    if (!o.external_sync) /* seamark-sync is going to write there */
        o.config.zones_folder = folder_choose(c->zones, &e);
    if (o.config.zones_folder == NULL) {
        fprintf(stderr, "%s\n", e.text);
        return 1;
    }
    raise_file_limit();
    control_set_loop_exit(c->loop_exit);
    if (c->pidfile != NULL && write_pidfile(c->pidfile) != 0)
        return 1;
    return server_run(&o);
}

int main(int argc, char **argv)
{
    struct command_line c = {.sync = "supervised"};
    pool_settle_malloc();
    const struct flag flags[] = {
        {"conf", FLAG_TEXT, &c.conf, 0, "Corefile to load, or stdin (./Corefile)"},
        {"dns.port", FLAG_NUMBER, &c.dns_port, 65535, "default port of dns:// server blocks (53)"},
        {"p", FLAG_NUMBER, &c.dns_port, 65535, "the same as -dns.port"},
        {"zones", FLAG_TEXT, &c.zones, 0, "folder of the zone files (" FOLDER_DEFAULT ")"},
        {"sync", FLAG_TEXT, &c.sync, 0,
         "supervised: seamark-sync is started and watched; external: somebody else does"},
        {"check", FLAG_SWITCH, &c.check, 0, "check the configuration and its zone files, then end"},
        {"workers", FLAG_NUMBER, &c.workers, WORKERS_MAX,
         "threads that answer (one for each CPU that may be used)"},
        {"pidfile", FLAG_TEXT, &c.pidfile, 0, "file to write the process id to"},
        {"quiet", FLAG_SWITCH, &c.quiet, 0, "no banner at start"},
        {"loop-exit", FLAG_SWITCH, &c.loop_exit, 0, "end when a forwarding loop is found, as CoreDNS does"},
        {"plugins", FLAG_SWITCH, &c.plugins, 0, "list the plugins"},
        {"version", FLAG_SWITCH, &c.version, 0, "show the version"},
        {"help", FLAG_SWITCH, &c.help, 0, "show this"},
    };
    const size_t count = sizeof flags / sizeof flags[0];
    int rest;
    struct errtext e = {0};
    if (flags_parse(flags, count, argc, argv, &rest, &e) != ERR_OK) {
        fprintf(stderr, "%s\n", e.text);
        return 2;
    }
    if (rest < argc) {
        fprintf(stderr, "extra command line arguments: %s\n", argv[rest]);
        return 1;
    }
    if (c.help)
        flags_help(flags, count);
    else if (c.version)
        printf("Seamark-%s\n", SEAMARK_VERSION);
    else if (c.plugins)
        print_plugins();
    else
        return run(&c);
    return 0;
}
