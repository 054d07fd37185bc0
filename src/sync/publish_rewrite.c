/*
 * The zone file anew, while changes go on. A child process has the store as it was when it was made (copy on
 * write) and writes the file from it at that moment's serial. The parent goes on appending to the journal
 * there is, which belongs to the old file; once the child's file is in place, a reader skips the journal up
 * to its serial. Then the parent puts a new journal in place: upon the new file, holding the transactions
 * made since, octet for octet (each one's checksum is chained to the serial before it, and the first of them
 * follows on the file's).
 *
 * The child dies with its parent, and holds the folder's lock until it has: no other writer can come in
 * between.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "base/log.h"
#include "sync/publish_zone.h"

#define CHILD_NICE 10    /* it is never urgent */
#define AGAIN_MS   60000 /* after a failure */
#define TAIL_CHUNK 65536

static void be_child(struct publish_zone *p, const struct publish_source *s, pid_t parent)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        signal(numbers[i], SIG_DFL);
    if (nice(CHILD_NICE) < 0)
        errno = 0; /* at the lowest already */
    int ret = publish_zone_write_file(p, s, p->serial);
    if (ret != ERR_OK)
        log_warning("sync: zone %s: the zone file cannot be written anew (%s)", p->title, err_text(ret));
    _exit(ret == ERR_OK ? 0 : 1);
}

int publish_zone_rewrite(struct publish_zone *p, const struct publish_source *s)
{
    pid_t parent = getpid();
    pid_t child = fork();
    if (child < 0)
        return -errno;
    if (child == 0)
        be_child(p, s, parent);
    p->child = child;
    p->child_serial = p->serial;
    p->child_from = p->journal.committed;
    return ERR_OK;
}

void publish_zone_stop_rewrite(struct publish_zone *p)
{
    if (p->child == 0)
        return;
    kill(p->child, SIGKILL);
    while (waitpid(p->child, NULL, 0) < 0 && errno == EINTR)
        ;
    p->child = 0;
}

/* Copies the old journal from `from` to its last commit to the end of the new one. */
static int copy_tail(const struct publish_zone *p, struct journal_writer *new)
{
    char chunk[TAIL_CHUNK];
    int fd = open(p->journal_path, O_RDONLY | O_CLOEXEC);
    int ret = fd < 0 ? -errno : ERR_OK;
    for (off_t at = p->child_from; ret == ERR_OK && at < p->journal.committed;) {
        off_t left = p->journal.committed - at;
        ssize_t n = pread(fd, chunk, left < TAIL_CHUNK ? (size_t)left : TAIL_CHUNK, at);
        if (n < 0 && errno == EINTR)
            continue;
        ret = n < 0 ? -errno : n == 0 ? ERR_TRUNCATED : fsio_write_all(new->fd, chunk, (size_t)n);
        at += n;
        new->committed += n;
    }
    if (ret == ERR_OK && fdatasync(new->fd) < 0)
        ret = -errno;
    if (fd >= 0)
        close(fd);
    return ret;
}

/* The journal upon the child's file, complete before it takes the old one's name. */
static int replace_journal(struct publish_zone *p)
{
    struct journal_writer new;
    char path[sizeof p->journal_path + 8];
    snprintf(path, sizeof path, "%s.new", p->journal_path);
    int ret = journal_create(&new, path, p->zone->apex, p->child_serial);
    if (ret != ERR_OK)
        return ret;
    ret = copy_tail(p, &new);
    if (ret == ERR_OK && rename(path, p->journal_path) < 0)
        ret = -errno;
    if (ret != ERR_OK) {
        journal_close(&new);
        unlink(path);
        return ret;
    }
    snprintf(new.path, sizeof new.path, "%s", p->journal_path);
    new.serial = p->journal.serial;
    new.transactions = p->journal.transactions;
    struct bytes empty = new.txn; /* a transaction that could not be written yet moves along */
    new.txn = p->journal.txn;
    new.changes = p->journal.changes;
    p->journal.txn = empty;
    journal_close(&p->journal);
    p->journal = new;
    return fsio_sync_folder_of(p->journal_path);
}

static void not_soon(struct publish_zone *p)
{
    p->rewrite_after_ms = clock_ms() + AGAIN_MS;
}

int publish_zone_reap(struct publish_zone *p, bool wait)
{
    int status;
    struct stat st;
    if (p->child == 0)
        return ERR_OK;
    pid_t done = waitpid(p->child, &status, wait ? 0 : WNOHANG);
    if (done == 0 || (done < 0 && errno == EINTR))
        return ERR_OK;
    p->child = 0;
    if (done < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        not_soon(p);
        return ERR_OK; /* it has said why; nothing is lost */
    }
    p->file_size = stat(p->zone_path, &st) == 0 ? (uint64_t)st.st_size : 0;
    int ret = replace_journal(p);
    if (ret != ERR_OK) {
        log_warning("sync: zone %s: the journal cannot be begun anew (%s)", p->title, err_text(ret));
        not_soon(p);
        return ERR_OK; /* a reader skips the old one up to the new file */
    }
    log_info("sync: zone %s: zone file written anew at serial %u", p->title, p->child_serial);
    return ERR_OK;
}
