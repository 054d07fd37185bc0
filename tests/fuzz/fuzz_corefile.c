/* The Corefile reader and the kubernetes block. Input: the Corefile, then a NUL byte, then what every
 * imported file contains; no file is read. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/cluster_block.h"
#include "conf/corefile_p.h"

static const char *imported;
static size_t imported_len;

static int read_imported(const char *path, struct bytes *out)
{
    return path[0] == '\0' ? -ENOENT : bytes_append(out, imported, imported_len);
}

static void read_cluster_blocks(const struct corefile *c)
{
    for (size_t i = 0; i < c->nblocks; i++) {
        const struct directive *d = server_block_find(&c->blocks[i], "kubernetes");
        struct cluster_block block;
        struct errtext e = {0};
        if (d == NULL || cluster_block_parse(c, &c->blocks[i], d, &block, &e) != ERR_OK)
            continue;
        for (size_t zone = 0; zone < cluster_block_zones(&block); zone++) {
            struct bytes line;
            bytes_init(&line, 4095); /* what the header of a zone file takes */
            if (cluster_block_identity(&block, cluster_block_zone(&block, zone).view, &line) != ERR_OK ||
                memchr(line.data, '\n', line.len) != NULL)
                abort();
            bytes_free(&line);
        }
        if (cluster_block_agree(&block, &block, &e) != ERR_OK)
            abort();
        cluster_block_free(&block);
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    int null = open("/dev/null", O_WRONLY); /* warnings go to stdout */
    return null < 0 || dup2(null, STDOUT_FILENO) < 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    size_t len = size == 0 ? 0 : strnlen(text, size);
    imported = text + (len < size ? len + 1 : len);
    imported_len = size - (size_t)(imported - text);
    struct corefile *c = NULL, *again = NULL;
    struct errtext e = {0};
    int ret = corefile_parse_with(read_imported, "/nonexistent/Corefile", text, len, &c, &e);
    if ((ret != ERR_OK && ret != ERR_CONFIG) || (ret == ERR_CONFIG) != (e.text[0] != '\0'))
        abort();
    if (ret == ERR_CONFIG)
        return 0;
    if (corefile_parse_with(read_imported, "/nonexistent/Corefile", text, len, &again, NULL) != ERR_OK ||
        again->hash != c->hash)
        abort();
    read_cluster_blocks(c);
    corefile_free(again);
    corefile_free(c);
    return 0;
}
