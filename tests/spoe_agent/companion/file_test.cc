#include "companion/file.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace leastwise::companion {
namespace {

using discovery::kubernetes::ServiceName;

constexpr const char* kSocket = "nginx_socket /run/c.sock;\n";

std::string refusal(const std::string& text) {
  try {
    parse_companion_config("f", text);
  } catch (const agent::ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(CompanionFile, IsRead) {
  const CompanionConfig config = parse_companion_config("f", std::string(kSocket) + R"(
    kubeconfig /etc/k;
    log_level debug;
    upstream app { discover kubernetes shop/web:http family=both; }   # a comment
    stream app { discover kubernetes lobby:4000; }
  )");
  EXPECT_EQ(config.nginx_socket, "/run/c.sock");
  EXPECT_EQ(config.kubeconfig, "/etc/k");
  ASSERT_EQ(config.pools.size(), 2U);
  const PoolConfig& app = config.pools[0];
  EXPECT_EQ(app.kind, Kind::kUpstream);
  const auto& web = std::get<ServiceName>(app.source);
  EXPECT_EQ(web.namespace_ + " " + web.name + " " + web.port.text, "shop web http");
  EXPECT_EQ(web.family, discovery::Family::kBoth);
  EXPECT_EQ(config.pools[1].kind, Kind::kStream);
  EXPECT_EQ(std::get<ServiceName>(config.pools[1].source).port.number(), 4000);
}

TEST(CompanionFile, AZoneIsANameOrStandsInTheEnvironment) {
  const auto zone = [](const std::string& text) {
    return parse_companion_config(
               "f", kSocket + ("zone " + text) + "; upstream a { discover kubernetes web; }")
        .zone;
  };
  EXPECT_EQ(zone("eu-1a"), "eu-1a");
  ::setenv("LEASTWISE_TEST_ZONE", "eu-1b", 1);
  EXPECT_EQ(zone("$LEASTWISE_TEST_ZONE"), "eu-1b");
  ::unsetenv("LEASTWISE_TEST_ZONE");
  EXPECT_EQ(zone("$LEASTWISE_TEST_ZONE"), "");
  const std::string accepted =
      "expected the name of a zone, of letters, digits, \"-\", \"_\", \".\", or \"$\" and the "
      "name of a variable of the environment";
  EXPECT_EQ(refusal("zone a/b;"), "f:1: \"a/b\": " + accepted);
  EXPECT_EQ(refusal("zone $;"), "f:1: \"$\": " + accepted);
}

TEST(CompanionFile, SharingNeedsNginxAndNoPools) {
  const CompanionConfig config = parse_companion_config(
      "f", std::string(kSocket) + "share redis://me:s%40crt@10.0.0.9/shop; share_count on;");
  ASSERT_TRUE(config.share);
  EXPECT_EQ(config.share->password, "s@crt");
  EXPECT_EQ(config.share->prefix, "shop");
  EXPECT_TRUE(config.share_count);
  EXPECT_FALSE(parse_companion_config("f", std::string(kSocket) + "share redis://h;").share_count);
  EXPECT_EQ(refusal("share redis://h;"),
            "f:1: \"nginx_socket\": required, such as: nginx_socket /run/nginx/control.sock;");
  EXPECT_EQ(
      refusal(std::string(kSocket) + "share_count on;\nupstream a { discover kubernetes w; }"),
      "f:2: \"share_count\": has no effect without share; give it or take this out");
  EXPECT_EQ(refusal(std::string(kSocket) + "share_count on;"),
            "f:2: \"share_count\": has no effect without share; give it or take this out");
  EXPECT_EQ(refusal("share_count maybe;"), "f:1: \"maybe\": expected on or off");
  EXPECT_NE(refusal("share redisss://me:secret@h;").find("expected redis://"), std::string::npos);
  for (const char* text :
       {"share redisss://me:secret@h;", "share redis://me:secret@h", "share \"redis://me:secret@h;",
        "share redis:/me:secret@h;", "share me:secret@h;", "share redis://me:secret secret@h;"}) {
    EXPECT_EQ(refusal(text).find("secret"), std::string::npos) << refusal(text);
  }
}

TEST(CompanionFile, SharesByTls) {
  const auto config =
      parse_companion_config("f", std::string(kSocket) +
                                      "share rediss://h; share_tls_ca_cert_file /ca; "
                                      "share_tls_cert_file /cert; share_tls_key_file /key;");
  EXPECT_TRUE(config.share->is_tls);
  EXPECT_EQ(config.share_tls,
            (agent::ShareTls{.ca = "/ca", .certificate = "/cert", .key = "/key"}));
  EXPECT_EQ(refusal(std::string(kSocket) + "share redis://h;\nshare_tls_cert_file /cert;"),
            "f:3: \"share_tls_cert_file\": has no effect without TLS: give share rediss://…, or "
            "take this out");
  EXPECT_EQ(refusal(std::string(kSocket) + "share rediss://h; share_tls_key_file /key;"),
            "f:2: \"share_tls_key_file\": required together: share_tls_cert_file and "
            "share_tls_key_file");
  EXPECT_EQ(refusal("share_tls_cert_file cert;"),
            "f:1: \"cert\": expected the absolute path of a file of PEM");
}

TEST(CompanionFile, WhatIsWrongIsNamedWithItsLineAndWhatIsAccepted) {
  const auto with = [](const std::string& text) { return refusal(kSocket + text); };
  EXPECT_EQ(with(""),
            "f:2: \"upstream\": required, such as: upstream app { discover kubernetes web; }; or "
            "share");
  EXPECT_EQ(refusal("upstream a { discover kubernetes web; }"),
            "f:1: \"nginx_socket\": required, such as: nginx_socket /run/nginx/control.sock;");
  EXPECT_EQ(with("backend a { discover kubernetes web; }"),
            "f:2: \"haproxy_socket\": required, such as: haproxy_socket /run/haproxy/admin.sock;");
  EXPECT_EQ(with("haproxy_socket x;"),
            "f:2: \"x\": expected the absolute path of a stats socket, or IP:PORT");
  EXPECT_EQ(with("upstrem a {}"), "f:2: \"upstrem\": not known; did you mean \"upstream\"?");
  EXPECT_EQ(with("flower a {}"),
            "f:2: \"flower\": not known; accepted here: upstream, stream, backend, "
            "nginx_socket, haproxy_socket, kubeconfig, zone, agent_control, agent_token_file, "
            "status, share, share_count, share_tls_ca_cert_file, share_tls_cert_file, "
            "share_tls_key_file, log_level");
  EXPECT_EQ(with("agent_control 127.0.0.1:1; upstream a { discover kubernetes web; }"),
            "f:2: \"agent_control\": required together: agent_control and agent_token_file");
  EXPECT_EQ(with("kubeconfig relative;"), "f:2: \"relative\": expected an absolute path");
  EXPECT_EQ(with("log_level loud;"), "f:2: \"loud\": expected debug, info, warning or error");
  EXPECT_EQ(with("nginx_socket /b;"),
            "f:2: \"nginx_socket\": duplicate; it is already set in line 1");
  EXPECT_EQ(with("upstream a { }"), "f:2: \"}\": expected \"discover\"");
  EXPECT_EQ(with("upstream a { server x; }"),
            "f:2: \"server\": not known; accepted here: discover");
  EXPECT_EQ(with("upstream a { discover kubernetes web }"),
            "f:2: \"web\": expected \";\" after it");
  EXPECT_EQ(with("upstream a { discover kubernetes web; discover"),
            "f:2: \"discover\": expected \"}\": one discover is all there is");
  EXPECT_EQ(with("upstream a { discover kubernetes web family=ipv5; }"),
            "f:2: \"family=ipv5\": expected family=auto, family=ipv4, family=ipv6 or family=both");
  EXPECT_EQ(with("upstream a/b { discover"),
            "f:2: \"a/b\": expected up to 100 letters, digits, \"-\", \"_\", \".\", \":\"");
  EXPECT_EQ(
      with("upstream a { discover kubernetes web; }\nupstream a { discover kubernetes web; }"),
      "f:3: \"a\": duplicate; it is already set in line 2");
  EXPECT_NE(with("upstream a {").find("the file ends where"), std::string::npos);
}

TEST(CompanionFile, ANameOfTheDnsHasAPortOrIsSrv) {
  const CompanionConfig config = parse_companion_config("f", std::string(kSocket) + R"(
    upstream a { discover dns web.example.org:8080 family=both resolver=10.0.0.10,[::1]:5353; }
    upstream b { discover dns _http._tcp.web.example.org srv; }
  )");
  const auto& a = std::get<discovery::dns::Name>(config.pools[0].source);
  EXPECT_EQ(a.name, "web.example.org");
  EXPECT_EQ(a.port, 8080);
  EXPECT_EQ(a.family, discovery::Family::kBoth);
  EXPECT_EQ(a.resolver, "10.0.0.10,[::1]:5353");
  EXPECT_TRUE(std::get<discovery::dns::Name>(config.pools[1].source).is_srv);
  const auto with = [](const std::string& text) {
    return refusal(std::string(kSocket) + "upstream a { discover dns " + text + "; }");
  };
  EXPECT_EQ(with("web"),
            "f:2: \"web\": expected NAME:PORT, such as web.example.org:8080, or a NAME and srv");
  EXPECT_EQ(with("web:80 srv"),
            "f:2: \"srv\": the port is that of the records: leave it out of the name");
  for (const char* name : {"web:0", "web:x", ":80", "a b:80", "-a?:80", "a..b:80"}) {
    EXPECT_NE(with(name), "") << name;
  }
  EXPECT_EQ(with("web:80 resolver=dns.example.org"),
            "f:2: \"resolver=dns.example.org\": expected resolver=IP or IP:PORT, or several of "
            "them with \",\" between");
}

TEST(CompanionFile, AServiceIsANamespaceANameAndAPort) {
  discovery::kubernetes::ServiceName out;
  for (const char* text : {"", "/", "a/", "/a", "a:", "a:b:c", "a/b/c", "a.b", "a b", "a?", "a:0",
                           "a:70000", "a%2f", "..", "a&watch=1"}) {
    EXPECT_FALSE(parse_service(text, out)) << text;
  }
  EXPECT_FALSE(parse_service(std::string(64, 'a'), out));
  EXPECT_TRUE(parse_service("my-ns/my-web:8080", out));
  EXPECT_EQ(out.port.number(), 8080);
  EXPECT_TRUE(parse_service("web:h2c", out));
  EXPECT_FALSE(out.port.number().has_value());
}

}  // namespace
}  // namespace leastwise::companion
