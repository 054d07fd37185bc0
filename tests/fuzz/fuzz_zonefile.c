/* A zone file: as it is, or (where it begins with '!') records between a right header and a right trailer. */
#include <inttypes.h>
#include <string.h>
#include <zlib.h>

#include "zone/zonefile.h"
#include "zone_checks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char head[] = "; seamark zone file 1\n; zone: cluster.local.\n; serial: 1\n"
                           "cluster.local. 30 IN SOA a. b. 1 2 3 4 5\n";

/* Lines that are records are counted, as the trailer has to. */
static uint64_t count_records(const char *text, size_t len)
{
    uint64_t count = 0;
    bool begins = true;
    for (size_t i = 0; i < len; i++) {
        count += begins && text[i] != ';' && text[i] != '\n';
        begins = text[i] == '\n';
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t apex[] = "\7cluster\5local";
    struct zonefile_header header;
    struct errtext e = {0};
    struct bytes file;
    struct zone *z;
    char path[64];
    bytes_init(&file, 16 << 20);
    if (size > 0 && data[0] == '!') {
        bytes_append_str(&file, head);
        bytes_append(&file, data + 1, size - 1);
        if (file.data[file.len - 1] != '\n')
            bytes_append_str(&file, "\n");
        bytes_printf(&file, "; end: %" PRIu64 " records, crc32 %08lx\n", count_records(file.data, file.len),
                     crc32(crc32(0, NULL, 0), (const Bytef *)file.data, (uInt)file.len));
    } else {
        bytes_append(&file, data, size);
    }
    int fd = file_in_memory(file.data, file.len, path);
    zonefile_read_header(path, &header, NULL);
    int ret = zonefile_load(path, apex, &header, &z, &e);
    if (ret == ERR_OK) {
        check_zone(z);
        zone_free(z);
    } else if (strncmp(e.text, path, strlen(path)) != 0 || e.text[strlen(path)] != ':') {
        abort(); /* no word of where and why */
    }
    close(fd);
    bytes_free(&file);
    settle();
    return 0;
}
