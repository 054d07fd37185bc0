/* A zone file into memory. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "zone/zone_p.h"
#include "zone/zonefile_p.h"
#include "zone/zonefile_team.h"

static int check_header(const char *path, const uint8_t *apex, const struct zonefile_header *header,
                        struct errtext *e)
{
    uint8_t zone[NAME_MAX_LEN];
    char expected[NAME_MAX_TEXT];
    if (name_from_text(header->zone, strlen(header->zone), zone) < 0 || !name_equal(zone, apex))
        return errtext_set(e, ERR_MISMATCH, "%s: expected the zone %s, this is %s", path,
                           name_to_text(apex, expected), header->zone);
    return ERR_OK;
}

/* Puts a piece into the zone. 1: the file's trailer was in it, and is right. */
static int take_piece(struct zonefile_reading *r, struct zone_txn *t, struct piece *p)
{
    uint64_t before = r->lines.number;
    int ret = ERR_OK;
    for (size_t i = 0; ret == ERR_OK && i < p->count; i++) {
        struct node *n = p->nodes[i].node;
        p->nodes[i].node = NULL;
        ret = zone_add_node(t, n, p->nodes[i].hash);
        r->lines.number = before + p->nodes[i].line;
    }
    if (ret != ERR_OK)
        return zonefile_fail(r, ret, err_text(ret));
    r->lines.number = before + p->lines;
    if (p->error != ERR_OK)
        return zonefile_fail(r, p->error, p->why);
    r->records += p->records;
    r->crc = (uint32_t)crc32_combine(r->crc, p->crc, (z_off_t)p->summed);
    if (p->trailer == NULL) {
        r->lines.offset += (off_t)p->len;
        return ERR_OK;
    }
    lines_seek(&r->lines, r->lines.offset + (p->trailer - p->text) + (off_t)p->trailer_len + 1,
               r->lines.number);
    ret = zonefile_end(r, p->trailer, p->trailer_len);
    return ret == ERR_OK ? 1 : ret;
}

/* The records, which begin at r->lines.offset. */
static int take_records(struct zonefile_reading *r, struct zone_txn *t)
{
    struct stat st;
    struct team *team = calloc(1, sizeof *team);
    if (team == NULL || fstat(r->lines.fd, &st) < 0) {
        free(team);
        return -ENOMEM;
    }
    team_begin(team, r->lines.fd, r->lines.offset, st.st_size - r->lines.offset, t->zone, t->edit.id);
    struct piece *p;
    int ret = ERR_OK;
    while (ret == ERR_OK && (p = team_next(team)) != NULL) {
        ret = take_piece(r, t, p);
        team_give_back(team, p);
    }
    if (ret == ERR_OK && team->error == ERR_LIMIT) {
        r->lines.number++;
        ret = zonefile_fail(r, ERR_LIMIT, "the line is too long");
    } else if (ret == ERR_OK && team->error != ERR_OK) {
        ret = errtext_set(r->e, team->error, "%s: cannot be read: %s", r->path, err_text(team->error));
    } else if (ret == ERR_OK) {
        ret = zonefile_fail_end(r);
    }
    team_end(team);
    free(team);
    return ret == 1 ? ERR_OK : ret;
}

static int fill(struct zone *z, struct zonefile_reading *r)
{
    char *line;
    size_t len;
    int ret = zonefile_begin(r, &line, &len);
    if (ret == ERR_OK)
        ret = check_header(r->path, zone_apex(z), r->header, r->e);
    if (ret != ERR_OK)
        return ret;
    lines_seek(&r->lines, r->lines.offset - (off_t)len - 1,
               r->lines.number - 1); /* that line is the first of them */
    struct zone_txn *t = zone_begin(z);
    if (t == NULL)
        return -ENOMEM;
    ret = take_records(r, t);
    if (ret != ERR_OK) {
        zone_abort(t);
        return ret;
    }
    ret = zone_commit(t);
    if (ret != ERR_OK)
        return errtext_set(r->e, ret, "%s: expected exactly one SOA at %s", r->path, r->header->zone);
    uint32_t serial = zone_serial(zone_current(z));
    if (serial != r->header->serial)
        return errtext_set(r->e, ERR_MALFORMED,
                           "%s: the serial of the header is %" PRIu32 ", but that of the SOA is %" PRIu32,
                           r->path, r->header->serial, serial);
    return ERR_OK;
}

int zonefile_load(const char *path, const uint8_t *apex, struct zonefile_header *header, struct zone **out,
                  struct errtext *e)
{
    struct zonefile_header own;
    struct zonefile_reading r = {.path = path, .header = header != NULL ? header : &own, .e = e};
    struct zone *z = zone_new(apex);
    if (z == NULL)
        return -ENOMEM;
    int ret = fill(z, &r);
    lines_close(&r.lines);
    if (ret != ERR_OK) {
        zone_free(z); /* nobody has seen it */
        return errtext_set(e, ret, "%s: %s", path, err_text(ret));
    }
    *out = z;
    return ERR_OK;
}
