#include "zone/zonefile_piece.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "zone/zone_p.h"
#include "zone/zonefile_p.h"

#define NODES_FIRST 8192 /* enough for nearly all pieces, and so much that malloc() maps it */

static ssize_t read_all(int fd, char *to, size_t len, off_t offset)
{
    size_t done = 0;
    while (done < len) {
        ssize_t n = pread(fd, to + done, len - done, offset + (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

int piece_read(struct piece *p, int fd, off_t offset, bool *end, size_t *rest)
{
    if (p->text == NULL && (p->text = malloc(PIECE_SIZE)) == NULL)
        return -ENOMEM;
    p->len = 0;
    ssize_t n = read_all(fd, p->text, PIECE_SIZE, offset);
    if (n < 0)
        return (int)n;
    const char *newline = n == 0 ? NULL : memrchr(p->text, '\n', (size_t)n);
    p->len = newline == NULL ? 0 : (size_t)(newline - p->text) + 1;
    *end = (size_t)n < PIECE_SIZE;
    *rest = (size_t)n - p->len;
    return newline == NULL && !*end ? ERR_LIMIT : ERR_OK;
}

static int fail(struct piece *p, int code, const char *why)
{
    p->error = code;
    p->why = why;
    return code;
}

/* Puts the owner that is open among the nodes. */
static int close_owner(struct piece *p, uint32_t edit)
{
    if (p->owner.name_len == 0)
        return ERR_OK;
    struct piece_node *to = &p->nodes[p->count];
    to->node = node_edit_build(&p->owner, edit);
    to->hash = p->owner.hash;
    if (to->node == NULL)
        return -ENOMEM;
    p->count++;
    p->owner.name_len = 0;
    return ERR_OK;
}

static int open_owner(struct piece *p, const uint8_t *lname, size_t len, uint32_t edit)
{
    int ret = close_owner(p, edit);
    if (ret != ERR_OK)
        return ret;
    if (p->count == p->cap) {
        size_t cap = p->cap == 0 ? NODES_FIRST : 2 * p->cap;
        struct piece_node *nodes = realloc(p->nodes, cap * sizeof *nodes);
        if (nodes == NULL)
            return -ENOMEM;
        p->nodes = nodes;
        p->cap = cap;
    }
    p->nodes[p->count].line = p->lines;
    return node_edit_open(&p->owner, lname, len, name_hash(lname, len), NULL);
}

static int add_record(struct piece *p, const struct zone *z, const struct rr *rr, uint32_t edit)
{
    uint8_t lname[NAME_MAX_LEN];
    int ret = ERR_OK;
    size_t len = name_lower(lname, rr->owner);
    if (!zone_is_data(rr))
        return ERR_MALFORMED;
    if (len != p->owner.name_len || memcmp(lname, p->owner.name, len) != 0)
        ret = zone_covers(z, lname, len) ? open_owner(p, lname, len, edit) : ERR_MALFORMED;
    if (ret == ERR_OK)
        ret = node_edit_add(&p->owner, rr);
    return ret == ERR_EXISTS ? ERR_OK : ret; /* the same record twice is one record */
}

static int parse_line(struct piece *p, const struct zone *z, const char *line, size_t len, uint32_t edit)
{
    struct rr rr;
    const char *why;
    if (len == 0 || line[0] == ';')
        return ERR_OK;
    int ret = rr_from_text_after(&p->head, line, len, &p->storage, &rr, &why);
    if (ret != ERR_OK)
        return fail(p, ret, why);
    p->records++;
    ret = add_record(p, z, &rr, edit);
    return ret == ERR_OK ? ERR_OK : fail(p, ret, err_text(ret));
}

void piece_parse(struct piece *p, const struct zone *z, uint32_t edit)
{
    const char *at = p->text, *end = p->text + p->len;
    p->lines = p->records = 0;
    p->error = ERR_OK;
    p->trailer = NULL;
    while (p->error == ERR_OK && at < end) {
        size_t len = (size_t)((const char *)memchr(at, '\n', (size_t)(end - at)) - at);
        p->lines++;
        if (zonefile_is_trailer(at, len)) {
            p->trailer = at;
            p->trailer_len = len;
            break;
        }
        if (parse_line(p, z, at, len, edit) != ERR_OK)
            break;
        at += len + 1;
    }
    if (p->error == ERR_OK && close_owner(p, edit) != ERR_OK)
        fail(p, -ENOMEM, err_text(-ENOMEM));
    p->summed = (size_t)(at - p->text);
    p->crc = (uint32_t)crc32(crc32(0, NULL, 0), (const Bytef *)p->text, (uInt)p->summed);
}

void piece_reset(struct piece *p)
{
    for (size_t i = 0; i < p->count; i++)
        node_free(p->nodes[i].node);
    p->count = 0;
    p->owner.name_len = 0;
}

void piece_free(struct piece *p)
{
    piece_reset(p);
    free(p->text);
    free(p->nodes);
    node_edit_free(&p->owner);
    p->text = NULL;
    p->nodes = NULL;
    p->cap = 0;
}
