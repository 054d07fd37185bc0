/*
 * One writer a folder: DIR/.lock is locked (flock) for as long as the process lives and holds its process id
 * for people to read. Nothing is left locked by a process that was killed,
 * but for the moment that its end takes: a second is waited for that.
 */
#ifndef SEAMARK_SYNC_SYNC_LOCK_H
#define SEAMARK_SYNC_SYNC_LOCK_H

#include "base/err.h"

/* Locks; `*fd` is to be kept open (it is closed by exec). ERR_EXISTS with `e` saying who holds it; -errno. */
int sync_lock(const char *folder, int *fd, struct errtext *e);

#endif
