#include "exchange/doh_url.h"

#include <stdio.h>
#include <string.h>

#include "base/base64.h"

#define MESSAGE_MAX 65535

void doh_authority(const struct exchange_target *target, char *out, size_t cap)
{
    char address[UPSTREAM_TEXT_MAX];
    const char *name = target->transport.server_name;
    upstream_address_text(&target->address, address);
    char *port = strrchr(address, ':');
    bool usual = strcmp(port, ":443") == 0;
    if (name[0] != '\0')
        snprintf(out, cap, "%s%s", name, usual ? "" : port);
    else
        snprintf(out, cap, "%.*s", usual ? (int)(port - address) : (int)strlen(address), address);
}

void doh_get_path(const char *path, const uint8_t *message, size_t len, struct bytes *out)
{
    bytes_init(out, HTTP_PATH_MAX + 2 * MESSAGE_MAX);
    bytes_append_str(out, path);
    bytes_append_str(out, "?dns=");
    base64url_append(out, message, len);
}
