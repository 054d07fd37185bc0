/* What writer and readers of zone files agree upon. */
#ifndef SEAMARK_ZONE_ZONEFILE_P_H
#define SEAMARK_ZONE_ZONEFILE_P_H

#include "zone/lines.h"
#include "zone/zonefile.h"

#define ZONEFILE_MAGIC   "; seamark zone file "
#define ZONEFILE_VERSION "1"
#define ZONEFILE_TRAILER "; end: "

/* A file being read. */
struct zonefile_reading {
    const char *path;
    struct lines lines;
    struct zonefile_header *header;
    bool have_serial;
    uint32_t crc;     /* of what has been read of it */
    uint64_t records; /* read of it */
    struct errtext *e;
};

/* Opens r->path and reads r->header, up to and with the first line behind it, which is left in *line. `lines`
 * are to be closed in every case. */
int zonefile_begin(struct zonefile_reading *r, char **line, size_t *len);
/* An error of the line read last: FILE:LINE: why. Returns `code`. */
int zonefile_fail(struct zonefile_reading *r, int code, const char *why);
/* The file has ended, and its trailer was not there. */
int zonefile_fail_end(struct zonefile_reading *r);
bool zonefile_is_trailer(const char *line, size_t len);
/* Checks the trailer, which was the line read last, and that nothing follows it. */
int zonefile_end(struct zonefile_reading *r, const char *line, size_t len);

#endif
