#include "serve/hosts_file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fsio.h"
#include "base/log.h"
#include "base/rcu.h"

#define FILE_MAX (64 << 20) /* octets of a hosts file: four times the largest public block list */

static const struct metric_desc entries_desc = {
    .name = "coredns_hosts_entries",
    .help = "The combined number of entries in hosts and Corefile.",
    .type = METRIC_GAUGE,
};
static const struct metric_desc reload_desc = {
    .name = "coredns_hosts_reload_timestamp_seconds",
    .help = "The timestamp of the last reload of hosts file.",
    .type = METRIC_GAUGE,
};

const struct hosts_table *hosts_file_table(const struct hosts_file *f)
{
    return rcu_read(&f->table);
}

void hosts_file_free(struct hosts_file *f)
{
    hosts_table_free(f->table);
    f->table = NULL;
}

static void release_table(void *table)
{
    hosts_table_free(table);
}

static void show(const struct hosts_file *f)
{
    static struct metric_gauge *reloaded; /* CoreDNS has one for the process */
    if (reloaded == NULL)
        reloaded = metrics_gauge(&reload_desc, NULL, 0, NULL, NULL);
    metrics_gauge_set(reloaded, (double)f->mtime.tv_sec + (double)f->mtime.tv_nsec / 1e9);
    metrics_gauge_set(f->entries, (double)(f->other_entries + hosts_table_entries(f->table)));
}

static bool is_the_same(const struct hosts_file *f, const struct stat *st)
{
    return f->table != NULL && st->st_mtim.tv_sec == f->mtime.tv_sec &&
           st->st_mtim.tv_nsec == f->mtime.tv_nsec && st->st_size == f->size && st->st_ino == f->inode;
}

static int read_table(const struct hosts_file *f, struct hosts_table **out)
{
    struct bytes content;
    bytes_init(&content, FILE_MAX);
    int ret = fsio_read(f->path, &content);
    if (ret == ERR_OK)
        ret = hosts_table_read(content.data == NULL ? "" : content.data, content.len, f->scope, out);
    bytes_free(&content);
    return ret;
}

static void look(struct hosts_file *f)
{
    struct stat st;
    struct hosts_table *fresh = NULL;
    if (stat(f->path, &st) < 0 || !S_ISREG(st.st_mode) || is_the_same(f, &st))
        return;
    int ret = read_table(f, &fresh);
    if (ret != ERR_OK) {
        log_limited(LOG_LEVEL_WARNING, "plugin/hosts: %s cannot be read, what was read before stays (%s)",
                    f->path, err_text(ret));
        return;
    }
    struct hosts_table *old = f->table;
    /* The time from before reading: what is written meanwhile is seen the next time. */
    f->mtime = st.st_mtim;
    f->size = st.st_size;
    f->inode = st.st_ino;
    rcu_publish(&f->table, fresh);
    if (old != NULL)
        rcu_free_later(old, release_table);
    show(f);
    log_debug("plugin/hosts: Parsed hosts file into %zu entries", hosts_table_entries(fresh));
}

static void on_time(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd, (void)what;
    look(ctx);
}

int hosts_file_start(struct hosts_file *f, struct event_base *base, int64_t reload_ms, struct errtext *e)
{
    if (reload_ms > 0) {
        struct timeval every = {.tv_sec = reload_ms / 1000, .tv_usec = reload_ms % 1000 * 1000};
        f->timer = event_new(base, -1, EV_PERSIST, on_time, f);
        if (f->timer == NULL || event_add(f->timer, &every) < 0) {
            hosts_file_stop(f);
            return errtext_set(e, -ENOMEM, "%s: no memory", f->path);
        }
    }
    const struct metric_label labels[] = {LABEL("hostsfile", f->path)};
    f->entries = metrics_gauge(&entries_desc, labels, 1, NULL, NULL);
    metrics_gauge_set(f->entries, (double)f->other_entries);
    look(f);
    return ERR_OK;
}

void hosts_file_stop(struct hosts_file *f)
{
    if (f->timer != NULL)
        event_free(f->timer);
    metrics_gauge_remove(f->entries);
    f->timer = NULL;
    f->entries = NULL;
}
