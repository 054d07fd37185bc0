#include "sync/records_label.h"

#include <stdio.h>
#include <string.h>

static bool is_label_octet(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool label_from_text(const char *text, char out[LABEL_TEXT_MAX])
{
    size_t len = strnlen(text, NAME_MAX_LABEL + 1);
    if (len == 0 || len > NAME_MAX_LABEL)
        return false;
    for (size_t i = 0; i < len; i++)
        if (!is_label_octet((unsigned char)text[i]))
            return false;
    for (size_t i = 0; i < len; i++)
        out[i] = lower(text[i]);
    out[len] = '\0';
    return true;
}

bool label_is_name(const char *text)
{
    char label[LABEL_TEXT_MAX];
    return label_from_text(text, label) && strcmp(label, text) == 0;
}

void label_from_pod_ip(const struct ip *ip, char out[LABEL_TEXT_MAX])
{
    char text[IP_TEXT_MAX];
    snprintf(out, LABEL_TEXT_MAX, "%s", ip_to_text(ip, text));
    for (char *p = out; *p != '\0'; p++)
        if (*p == '.' || *p == ':')
            *p = '-';
}

void label_from_ip(const struct ip *ip, char out[LABEL_TEXT_MAX])
{
    label_from_pod_ip(ip, out);
    size_t len = strlen(out);
    if (len > 0 && out[len - 1] == '-' && len + 1 < LABEL_TEXT_MAX) {
        out[len] = '0';
        out[len + 1] = '\0';
    }
}

bool label_from_fqdn(const char *fqdn, char out[LABEL_TEXT_MAX])
{
    if (strchr(fqdn, '.') == NULL || strlen(fqdn) > NAME_MAX_LABEL)
        return false;
    char text[LABEL_TEXT_MAX];
    snprintf(text, sizeof text, "%s", fqdn);
    for (char *p = text; *p != '\0'; p++)
        if (*p == '.')
            *p = '-';
    return label_from_text(text, out);
}

bool label_topology(const char *text, char out[LABEL_TOPOLOGY_MAX])
{
    size_t len = strnlen(text, LABEL_TOPOLOGY_MAX), label = 0;
    if (len == LABEL_TOPOLOGY_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        bool dot = text[i] == '.';
        if (dot ? label == 0 : !is_label_octet((unsigned char)text[i]) || label == NAME_MAX_LABEL)
            return false;
        label = dot ? 0 : label + 1;
        out[i] = lower(text[i]);
    }
    out[len] = '\0';
    return label > 0;
}

bool label_is_target(const char *text)
{
    struct ip ip;
    size_t len = strnlen(text, NAME_MAX_LEN + 1);
    if (len > 1 && text[len - 1] == '.')
        len--; /* absolute already */
    if (len == 0 || len > NAME_MAX_LEN - 2 || ip_from_text(text, &ip))
        return false;
    size_t label = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '.' ? label == 0 : !is_label_octet((unsigned char)text[i]))
            return false;
        label = text[i] == '.' ? 0 : label + 1;
        if (label > NAME_MAX_LABEL)
            return false;
    }
    return label > 0;
}

const char *label_printable(const char *text, char out[LABEL_PRINTABLE_MAX])
{
    size_t len = strnlen(text, LABEL_PRINTABLE_MAX);
    size_t shown = len < LABEL_PRINTABLE_MAX - 4 ? len : LABEL_PRINTABLE_MAX - 4;
    for (size_t i = 0; i < shown; i++)
        out[i] = text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?';
    snprintf(out + shown, 4, "%s", shown < len ? "..." : "");
    return out;
}
