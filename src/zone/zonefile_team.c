#include "zone/zonefile_team.h"

#include <sched.h>
#include <signal.h>

#include "base/err.h"

/* Reads the next piece: whoever holds the lock. NULL where there is none, or no room for one. */
static struct piece *read_next(struct team *t)
{
    if (t->end || t->next - t->given == t->nhelpers + 2)
        return NULL;
    struct piece *p = &t->pieces[t->next % TEAM_PIECES];
    t->error = piece_read(p, t->fd, t->offset, &t->end, &t->rest);
    t->end = t->end || t->error != ERR_OK;
    if (t->error != ERR_OK || p->len == 0)
        return NULL;
    t->offset += (off_t)p->len;
    t->ready[t->next++ % TEAM_PIECES] = false;
    return p;
}

/* Reads the next piece and makes nodes of it. False where there is nothing to do now. Called with the lock
 * held, which is not held meanwhile. */
static bool work(struct team *t)
{
    struct piece *p = read_next(t);
    if (p == NULL)
        return false;
    pthread_mutex_unlock(&t->lock);
    piece_parse(p, t->zone, t->edit);
    pthread_mutex_lock(&t->lock);
    t->ready[p - t->pieces] = true;
    pthread_cond_broadcast(&t->moved);
    return true;
}

static void *help(void *arg)
{
    struct team *t = arg;
    pthread_mutex_lock(&t->lock);
    while (!t->end)
        if (!work(t) && !t->end)
            pthread_cond_wait(&t->moved, &t->lock);
    pthread_mutex_unlock(&t->lock);
    return NULL;
}

static unsigned helpers_for(off_t size)
{
    cpu_set_t set;
    unsigned cpus = sched_getaffinity(0, sizeof set, &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
    uint64_t pieces = (uint64_t)size / PIECE_SIZE;
    unsigned helpers = cpus - 1 < TEAM_HELPERS_MAX ? cpus - 1 : TEAM_HELPERS_MAX;
    return pieces < helpers ? (unsigned)pieces : helpers;
}

void team_begin(struct team *t, int fd, off_t offset, off_t size, const struct zone *z, uint32_t edit)
{
    t->fd = fd;
    t->zone = z;
    t->edit = edit;
    t->offset = offset;
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->moved, NULL);
    unsigned wanted = helpers_for(size);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the business of others */
    pthread_mutex_lock(&t->lock);
    while (t->nhelpers < wanted && pthread_create(&t->helpers[t->nhelpers], NULL, help, t) == 0)
        t->nhelpers++;
    pthread_mutex_unlock(&t->lock);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct piece *team_next(struct team *t)
{
    struct piece *p = NULL;
    pthread_mutex_lock(&t->lock);
    for (;;) {
        bool is_read = t->next > t->given;
        if (is_read && t->ready[t->given % TEAM_PIECES]) {
            p = &t->pieces[t->given % TEAM_PIECES];
            break;
        }
        if (work(t))
            continue;
        if (!is_read && t->end && t->next == t->given)
            break;
        if (t->next > t->given && !t->ready[t->given % TEAM_PIECES])
            pthread_cond_wait(&t->moved, &t->lock);
    }
    pthread_mutex_unlock(&t->lock);
    return p;
}

void team_give_back(struct team *t, struct piece *p)
{
    piece_reset(p);
    pthread_mutex_lock(&t->lock);
    t->given++;
    pthread_cond_broadcast(&t->moved);
    pthread_mutex_unlock(&t->lock);
}

void team_end(struct team *t)
{
    pthread_mutex_lock(&t->lock);
    t->end = true;
    pthread_cond_broadcast(&t->moved);
    pthread_mutex_unlock(&t->lock);
    for (unsigned i = 0; i < t->nhelpers; i++)
        pthread_join(t->helpers[i], NULL);
    for (unsigned i = 0; i < TEAM_PIECES; i++)
        piece_free(&t->pieces[i]);
    pthread_cond_destroy(&t->moved);
    pthread_mutex_destroy(&t->lock);
}
