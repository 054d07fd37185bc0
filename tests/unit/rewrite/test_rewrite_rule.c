#include "rewrite/rewrite_rule.h"

#include "../runner.h"
#include "rules.h"

static void refused(const char *line, const char *why)
{
    struct rewrite_rule r;
    struct errtext e = {0};
    int ret = read_rule(line, &r, &e);
    CU_ASSERT_EQUAL(ret, ERR_CONFIG);
    CU_ASSERT_STRING_EQUAL(e.text, why);
    if (ret != ERR_CONFIG || strcmp(e.text, why) != 0)
        fprintf(stderr, "%s: \"%s\", not \"%s\"\n", line, e.text, why);
    if (ret == ERR_OK)
        rewrite_rule_free(&r);
}

static struct rewrite_rule taken(const char *line)
{
    struct rewrite_rule r = {0};
    struct errtext e = {0};
    int ret = read_rule(line, &r, &e);
    CU_ASSERT_EQUAL(ret, ERR_OK);
    if (ret != ERR_OK)
        fprintf(stderr, "%s: %s\n", line, e.text);
    return r;
}

static void test_fields(void)
{
    refused("", "no rule type specified for rewrite");
    refused("continue", "continue rule must begin with a rule type");
    refused("stop", "stop rule must begin with a rule type");
    refused("mist a b", "invalid rule type \"mist\"");
    refused("Stop mist a b", "invalid rule type \"Stop\"");
    refused("answer name a b", "response rewrites must begin with a name rule");
    refused("class in", "class rules must have exactly two arguments");
    refused("stop type a b c", "type rules must have exactly two arguments");
    refused("class in xyz", "invalid class \"XYZ\"");
    refused("type any mx1", "invalid type \"MX1\"");
    struct rewrite_rule r = taken("CONTINUE type ANY hinfo");
    CU_ASSERT_TRUE(r.go_on && r.field == REWRITE_TYPE && r.from_code == 255 && r.to_code == 13);
    rewrite_rule_free(&r);
    r = taken("class CH IN");
    CU_ASSERT_TRUE(!r.go_on && r.field == REWRITE_CLASS && r.from_code == 3 && r.to_code == 1);
    rewrite_rule_free(&r);
}

static void test_names(void)
{
    struct rewrite_rule r = taken("name Example.ORG x.Example.net");
    CU_ASSERT_TRUE(r.field == REWRITE_NAME && r.match.kind == MATCH_EXACT && r.put_back);
    CU_ASSERT_STRING_EQUAL(r.match.text, "example.org.");
    CU_ASSERT_STRING_EQUAL(r.to, "x.example.net.");
    rewrite_rule_free(&r);
    r = taken("name suffix .a .b answer auto answer value (.*) {1}x");
    CU_ASSERT_TRUE(!r.put_back && r.nnames == 3);
    CU_ASSERT_STRING_EQUAL(r.names[0].from.text, ".b.");
    CU_ASSERT_STRING_EQUAL(r.names[1].to, ".a.");
    CU_ASSERT_TRUE(!r.names[0].values && r.names[1].values && r.names[2].values);
    rewrite_rule_free(&r);
    r = taken("name regex (.*)\\.a {1}.B answer name (.*)-(x) {2}.{1}.C name q w value a b");
    CU_ASSERT_TRUE(r.nnames == 3 && !r.put_back);
    CU_ASSERT_STRING_EQUAL(r.to, "{1}.b.");
    CU_ASSERT_STRING_EQUAL(r.names[0].to, "{2}.{1}.c.");
    rewrite_rule_free(&r);
    r = taken(
        "name regex ^([^.]+)\\.example\\.$ {1}.{kubernetes/client-namespace}.SVC. metadata answer auto");
    CU_ASSERT_TRUE(r.npieces == 4 && r.pieces[0].group == 1 && r.pieces[2].is_label && r.put_back);
    CU_ASSERT_STRING_EQUAL(r.pieces[2].text, "kubernetes/client-namespace");
    CU_ASSERT_STRING_EQUAL(r.pieces[3].text, ".svc.");
    rewrite_rule_free(&r);
}

static void test_names_refused(void)
{
    refused("name a", "too few arguments for a name rule");
    refused(
        "name blah a b",
        "name rule supports only exact, prefix, suffix, substring, and regex name matching, received: blah");
    refused("name regex a(b c", "invalid regex matching pattern: a(b");
    refused("name exact a b(", "invalid regex matching pattern: b(.");
    refused(
        "name regex (a) {1}.{2}",
        "the rewrite regex pattern ({1}.{2}) uses more subexpressions than its corresponding matching regex "
        "pattern ((a))");
    refused("name suffix a b answer", "invalid arguments for suffix rule");
    refused("name suffix a b auto x",
            "exceeded the number of arguments for a non-answer rule argument for suffix rule");
    refused("name suffix a b answer auto answer", "type missing for answer rule for suffix rule");
    refused("name suffix a b answer blah", "invalid type \"blah\" for answer rule for suffix rule");
    refused("name suffix a b answer name x", "name answer rule for suffix rule: 2 arguments required");
    refused("name suffix a b answer value", "value answer rule for suffix rule: 2 arguments required");
    refused("name suffix a b answer name ( x",
            "name answer rule for suffix rule: invalid regex matching pattern: (");
    refused("name suffix a b answer auto name a b",
            "auto name answer rule cannot be combined with explicit name anwer rules");
    refused("name exact a b metadata", "metadata is only supported for regex name rules");
    refused("name regex (a) {2} metadata", "capture group 2 does not exist in name matching pattern");
    refused("name regex (a) {x} metadata", "invalid metadata label \"x\" in name replacement");
    refused("name regex (a) b} metadata", "unmatched closing brace in metadata name replacement");
    refused("name regex (a) {b/c metadata", "unclosed placeholder in metadata name replacement");
    refused("name regex (a) {-1} metadata", "capture group -1 does not exist in name matching pattern");
}

static void test_ttl_and_rcode(void)
{
    struct rewrite_rule r = taken("ttl example.org 30-300");
    CU_ASSERT_TRUE(r.ttl_min == 30 && r.ttl_max == 300 && r.match.kind == MATCH_EXACT);
    rewrite_rule_free(&r);
    r = taken("ttl substring example.org -30");
    CU_ASSERT_TRUE(r.ttl_min == 0 && r.ttl_max == 30 && r.match.kind == MATCH_SUBSTRING);
    CU_ASSERT_STRING_EQUAL(r.match.text, "example.org.");
    rewrite_rule_free(&r);
    r = taken("ttl regex .* 30-");
    CU_ASSERT_TRUE(r.ttl_min == 30 && r.ttl_max == 2147483647);
    rewrite_rule_free(&r);
    refused("ttl a", "too few (1) arguments for a ttl rule");
    refused("ttl a -", "invalid TTL '-' for a ttl rule");
    refused("ttl a 5-4", "invalid TTL '5-4' for a ttl rule");
    refused("ttl a 4294967296", "invalid TTL '4294967296' for a ttl rule");
    refused("ttl a 1-2-3", "invalid TTL '1-2-3' for a ttl rule");
    refused("ttl exact a 5 6", "invalid TTL '' for a ttl rule");
    refused("ttl blah a 5",
            "ttl rule supports only exact, prefix, suffix, substring, and regex name matching");
    refused("ttl regex ( 5", "invalid regex pattern in a ttl rule: (");
    r = taken("rcode regex .* servfail 0");
    CU_ASSERT_TRUE(r.from_code == 2 && r.to_code == 0);
    rewrite_rule_free(&r);
    r = taken("rcode a.b NOTIMPL badcookie");
    CU_ASSERT_TRUE(r.from_code == 4 && r.to_code == 23);
    rewrite_rule_free(&r);
    refused("rcode a 2", "too few (2) arguments for a rcode rule");
    refused("rcode a 24 0", "invalid matching RCODE '24' for a rcode rule");
    refused("rcode a 2 NOPE", "invalid replacement RCODE 'NOPE' for a rcode rule");
    refused("rcode blah a 2 3",
            "rcode rule supports only exact, prefix, suffix, substring, and regex name matching");
}

static void test_cname(void)
{
    struct rewrite_rule r = taken("cname Suffix .A.b .C");
    CU_ASSERT_TRUE(r.field == REWRITE_CNAME && r.match.kind == MATCH_SUFFIX);
    CU_ASSERT_STRING_EQUAL(r.match.text, ".a.b");
    CU_ASSERT_STRING_EQUAL(r.to, ".c");
    rewrite_rule_free(&r);
    r = taken("cname A b");
    CU_ASSERT_STRING_EQUAL(r.match.text, "a.");
    rewrite_rule_free(&r);
    refused("cname a", "too few (1) arguments for a cname rule");
    refused("cname exact a b c", "too few (4) arguments for a cname rule");
    refused("cname Blah a b", "unknown cname rewrite type: blah");
    refused("cname regex a( b",
            "invalid cname rewrite regex pattern: error parsing regexp: missing closing ): `a(`");
}

static void test_edns0(void)
{
    struct rewrite_rule r = taken("edns0 local set 0xffee 0x61626364 revert");
    CU_ASSERT_TRUE(r.edns0.kind == EDNS0_LOCAL && r.edns0.code == 0xffee && r.edns0.len == 4 &&
                   r.edns0.revert);
    CU_ASSERT_EQUAL(memcmp(r.edns0.data, "abcd", 4), 0);
    rewrite_rule_free(&r);
    r = taken("edns0 LOCAL Append 65 {client_ip}");
    CU_ASSERT_TRUE(r.edns0.variable == EDNS0_CLIENT_IP && r.edns0.action == EDNS0_APPEND &&
                   r.edns0.code == 65);
    rewrite_rule_free(&r);
    r = taken("edns0 local replace 0x10 {some/label}");
    CU_ASSERT_EQUAL(r.edns0.variable, EDNS0_METADATA);
    CU_ASSERT_STRING_EQUAL((const char *)r.edns0.data, "some/label");
    rewrite_rule_free(&r);
    r = taken("edns0 subnet set 24 0x38");
    CU_ASSERT_TRUE(r.edns0.kind == EDNS0_SUBNET && r.edns0.v4_bits == 24 && r.edns0.v6_bits == 56);
    rewrite_rule_free(&r);
    r = taken("edns0 nsid unset");
    CU_ASSERT_TRUE(r.edns0.kind == EDNS0_NSID && r.edns0.action == EDNS0_UNSET && r.edns0.code == 3);
    rewrite_rule_free(&r);
    refused("edns0 local", "too few arguments for an EDNS0 rule");
    refused("edns0 local Blah 1 2", "invalid action: \"blah\"");
    refused("edns0 Blah set 1 2", "invalid rule type \"blah\"");
    refused("edns0 local set 1", "EDNS0 local rules require three or four args");
    refused("edns0 local set 0xzz abcd", "strconv.ParseUint: parsing \"0xzz\": invalid syntax");
    refused("edns0 local set 65536 abcd", "strconv.ParseUint: parsing \"65536\": value out of range");
    refused("edns0 local set 1 0xag", "encoding/hex: invalid byte: U+0067 'g'");
    refused("edns0 local set 1 0xabc", "encoding/hex: odd length hex string");
    refused("edns0 local set 1 {nothing}", "unsupported variable name \"{nothing}\"");
    refused("edns0 local unset", "local unset action requires exactly two arguments");
    refused("edns0 nsid unset 1", "nsid unset action requires exactly one argument");
    refused("edns0 subnet unset 1", "subnet unset action requires exactly one argument");
    refused("edns0 nsid set 1", "EDNS0 NSID rules can accept no more than one arg");
    refused("edns0 subnet set 24", "EDNS0 subnet rules require three or four args");
    refused("edns0 subnet set 33 56", "invalid IPv4 bit mask length 33");
    refused("edns0 subnet set 24 129", "invalid IPv6 bit mask length 129");
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"a rule begins with what it is about", test_fields},
        {"names are taken in lower case with a final dot", test_names},
        {"wrong name rules are refused in CoreDNS's words", test_names_refused},
        {"TTLs and rcodes have ranges and names", test_ttl_and_rcode},
        {"targets of aliases are taken as they are written, but for exact ones", test_cname},
        {"EDNS options have codes, data and variables", test_edns0},
    };
    return run_suite("rewrite_rule", tests, sizeof tests / sizeof tests[0]);
}
