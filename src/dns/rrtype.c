#include "dns/rrtype.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "dns/rr.h"

/* What a zone and its clients use most comes first: the table is searched from its start. Fields stand where
 * names in rdata may be compressed (RFC 1035; RFC 3597 section 4; DNAME because old servers do) or the type
 * is common. */
static const struct rrtype_info types[] = {
    {RR_A, "A", "4"},         {RR_AAAA, "AAAA", "6"},
    {RR_SRV, "SRV", "sssn"},  {RR_PTR, "PTR", "n"},
    {RR_CNAME, "CNAME", "n"}, {RR_TXT, "TXT", "T"},
    {RR_NS, "NS", "n"},       {RR_SOA, "SOA", "nnwwwww"},
    {RR_MX, "MX", "sn"},      {RR_HTTPS, "HTTPS", ""},
    {RR_SVCB, "SVCB", ""},    {RR_ANY, "ANY", ""},
    {RR_DS, "DS", ""},        {RR_DNSKEY, "DNSKEY", ""},
    {RR_RRSIG, "RRSIG", ""},  {RR_NSEC, "NSEC", ""},
    {50, "NSEC3", ""},        {51, "NSEC3PARAM", ""},
    {RR_DNAME, "DNAME", "n"}, {3, "MD", "n"},
    {4, "MF", "n"},           {7, "MB", "n"},
    {8, "MG", "n"},           {9, "MR", "n"},
    {10, "NULL", ""},         {11, "WKS", ""},
    {13, "HINFO", "tt"},      {14, "MINFO", "nn"},
    {17, "RP", "nn"},         {18, "AFSDB", "sn"},
    {19, "X25", "t"},         {20, "ISDN", ""},
    {21, "RT", "sn"},         {22, "NSAP", ""},
    {23, "NSAP-PTR", ""},     {24, "SIG", "gnx"},
    {25, "KEY", ""},          {26, "PX", "snn"},
    {27, "GPOS", ""},         {29, "LOC", ""},
    {30, "NXT", "nx"},        {31, "EID", ""},
    {32, "NIMLOC", ""},       {34, "ATMA", ""},
    {35, "NAPTR", "sstttn"},  {36, "KX", "sn"},
    {37, "CERT", ""},         {38, "A6", ""},
    {40, "SINK", ""},         {RR_OPT, "OPT", ""},
    {42, "APL", ""},          {44, "SSHFP", ""},
    {45, "IPSECKEY", ""},     {49, "DHCID", ""},
    {52, "TLSA", ""},         {53, "SMIMEA", ""},
    {55, "HIP", ""},          {56, "NINFO", ""},
    {57, "RKEY", ""},         {58, "TALINK", ""},
    {59, "CDS", ""},          {60, "CDNSKEY", ""},
    {61, "OPENPGPKEY", ""},   {62, "CSYNC", ""},
    {63, "ZONEMD", ""},       {99, "SPF", "T"},
    {100, "UINFO", ""},       {101, "UID", ""},
    {102, "GID", ""},         {103, "UNSPEC", ""},
    {104, "NID", ""},         {105, "L32", ""},
    {106, "L64", ""},         {107, "LP", ""},
    {108, "EUI48", ""},       {109, "EUI64", ""},
    {249, "TKEY", ""},        {250, "TSIG", ""},
    {RR_IXFR, "IXFR", ""},    {RR_AXFR, "AXFR", ""},
    {253, "MAILB", ""},       {254, "MAILA", ""},
    {256, "URI", ""},         {257, "CAA", ""},
    {258, "AVC", ""},         {260, "AMTRELAY", ""},
    {32768, "TA", ""},        {32769, "DLV", ""},
};
static const size_t type_count = sizeof types / sizeof types[0];

const struct rrtype_info *rrtype_info(uint16_t type)
{
    for (size_t i = 0; i < type_count; i++)
        if (types[i].type == type)
            return &types[i];
    return NULL;
}

char *rrtype_to_text(uint16_t type, char *out)
{
    const struct rrtype_info *info = rrtype_info(type);
    if (info != NULL)
        snprintf(out, 16, "%s", info->mnemonic);
    else
        snprintf(out, 16, "TYPE%u", type);
    return out;
}

static uint16_t number_after(const char *text, size_t len, size_t prefix)
{
    unsigned value = 0;
    if (len <= prefix || len > prefix + 5)
        return 0;
    for (size_t i = prefix; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return 0;
        value = value * 10 + (unsigned)(text[i] - '0');
    }
    return value > UINT16_MAX ? 0 : (uint16_t)value;
}

uint16_t rrtype_from_text(const char *text, size_t len)
{
    if (len == 0)
        return 0;
    for (size_t i = 0; i < type_count; i++) {
        const char *mnemonic = types[i].mnemonic;
        if ((mnemonic[0] ^ text[0]) & ~0x20) /* tells nearly all apart */
            continue;
        if (strlen(mnemonic) == len && strncasecmp(mnemonic, text, len) == 0)
            return types[i].type;
    }
    return len > 4 && strncasecmp(text, "TYPE", 4) == 0 ? number_after(text, len, 4) : 0;
}

bool rrtype_fields_have_text(const char *fields)
{
    return fields[0] != '\0' && strpbrk(fields, "gx") == NULL;
}

/* Octets of one field at `at`, or -1 where they are not there. */
static int field_len(char field, const uint8_t *at, size_t left)
{
    switch (field) {
    case 'n':
        return name_check(at, left);
    case 's':
        return 2;
    case 'w':
    case '4':
        return 4;
    case '6':
        return 16;
    case 'g':
        return 18;
    case 't':
        return left < 1 ? -1 : 1 + at[0];
    case 'T': {
        size_t pos = 0;
        while (pos < left)
            pos += 1u + at[pos];
        return pos == 0 ? -1 : (int)pos;
    }
    default: /* 'x' */
        return (int)left;
    }
}

bool rrtype_fields_match(const char *fields, const uint8_t *rdata, uint16_t rdlen)
{
    size_t at = 0;
    for (; *fields != '\0'; fields++) {
        int len = field_len(*fields, rdata + at, rdlen - at);
        if (len < 0 || (size_t)len > rdlen - at)
            return false;
        at += (size_t)len;
    }
    return at == rdlen;
}
