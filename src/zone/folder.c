#include "zone/folder.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The names of all of a cluster's services are nobody else's business. */
#define FOLDER_MODE 0750

static int make_folders(const char *path)
{
    char part[4096];
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof part)
        return -ENAMETOOLONG;
    memcpy(part, path, len + 1);
    for (char *p = part + 1; *p != '\0'; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        if (mkdir(part, FOLDER_MODE) < 0 && errno != EEXIST)
            return -errno;
        *p = '/';
    }
    if (mkdir(part, FOLDER_MODE) < 0 && errno != EEXIST)
        return -errno;
    return access(part, W_OK | X_OK) < 0 ? -errno : ERR_OK;
}

const char *folder_choose(const char *wanted, struct errtext *e)
{
    const char *folder = wanted != NULL ? wanted : FOLDER_DEFAULT;
    int ret = make_folders(folder);
    if (ret != ERR_OK && wanted == NULL) {
        folder = FOLDER_FALLBACK;
        ret = make_folders(folder);
    }
    if (ret == ERR_OK)
        return folder;
    errtext_set(e, ret, "zones folder %s: cannot be made or written (%s)", folder, err_text(ret));
    return NULL;
}

const char *folder_find(const char *wanted)
{
    if (wanted != NULL)
        return wanted;
    return access(FOLDER_DEFAULT, R_OK | X_OK) < 0 && access(FOLDER_FALLBACK, R_OK | X_OK) == 0
               ? FOLDER_FALLBACK
               : FOLDER_DEFAULT;
}
