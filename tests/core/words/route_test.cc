#include "leastwise/route.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace leastwise {
namespace {

std::string folded(std::string_view path, std::string_view method = "GET") {
  Route route;
  route.fold(method, path);
  return std::string(route.name().own);
}

std::string family(std::string_view path) {
  Route route;
  route.fold("GET", path);
  return std::string(route.name().family);
}

TEST(RouteTest, NamesOfResourcesStay) {
  for (const std::string path :
       {"/", "/api/list", "/api/v1/users", "/oauth2/token", "/.well-known/openid-configuration",
        "/static/logo.png", "/music/mp3", "/get-user-by-id", "/grpc.health.v1.Health/Check",
        "/google.cloud.bigquery.storage.v1.BigQueryRead/CreateReadSession",
        "/shop.Cart/getUserSubscriptionsByCountry", "/facade/defaced"}) {
    EXPECT_EQ(folded(path), "GET " + path);
  }
}

TEST(RouteTest, NumbersAreFolded) {
  EXPECT_EQ(folded("/user/123/orders"), "GET /user/*/orders");
  EXPECT_EQ(folded("/user/456/orders"), "GET /user/*/orders");
  EXPECT_EQ(folded("/archive/2024-01-31"), "GET /archive/*");
  EXPECT_EQ(folded("/item-7/page-12.html"), "GET /item-*/page-*.html");
  EXPECT_EQ(folded("/img1234.jpg"), "GET /*.jpg");
}

TEST(RouteTest, HexadecimalNumbersAndUuidsAreFolded) {
  EXPECT_EQ(folded("/commit/deadbeef"), "GET /commit/*");
  EXPECT_EQ(folded("/commit/5f43a1"), "GET /commit/*");
  EXPECT_EQ(folded("/o/550e8400-e29b-41d4-a716-446655440000/x"), "GET /o/*/x");
  EXPECT_EQ(folded("/o/aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee.json"), "GET /o/*.json");
  EXPECT_EQ(folded("/o/da39a3ee5e6b4b0d3255bfef95601890afd80709"), "GET /o/*");
}

TEST(RouteTest, TokensThatLookRandomAreFolded) {
  for (const char* token : {"dQw4w9WgXcQ", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "aBcDeFgHiJkL",
                            "eyJhbGciOiJIUzI1NiJ9", "KRUGKIDROVUWGZ2K"}) {
    EXPECT_EQ(folded(std::string("/t/") + token), "GET /t/*") << token;
  }
}

TEST(RouteTest, FileNamesLoseTheirHashesAndVersions) {
  EXPECT_EQ(folded("/s/app.3f9ab2c1.js"), "GET /s/app.*.js");
  EXPECT_EQ(folded("/s/main.8f3b2a1c9d.chunk.css"), "GET /s/main.*.chunk.css");
  EXPECT_EQ(folded("/s/jquery-3.6.0.min.js"), "GET /s/jquery-*.min.js");
}

TEST(RouteTest, WhatPeopleWroteIsFolded) {
  EXPECT_EQ(folded("/blog/how-to-bake-bread-in-a-day"), "GET /blog/*");
  EXPECT_EQ(folded("/wiki/%C3%89tude"), "GET /wiki/*");
  EXPECT_EQ(folded("/wiki/\xc3\x89tude"), "GET /wiki/*");
  EXPECT_EQ(folded("/user/bob@example.com"), "GET /user/*");
  EXPECT_EQ(folded("/x/" + std::string(49, 'q')), "GET /x/*");
}

TEST(RouteTest, SlashesDotsAndParametersTellNothing) {
  EXPECT_EQ(folded("//api//./list/"), "GET /api/list");
  EXPECT_EQ(folded("/list;jsessionid=1A2B/x"), "GET /list/x");
  EXPECT_EQ(folded(""), "GET /");
  EXPECT_EQ(folded("*", "OPTIONS"), "OPTIONS /*");
}

TEST(RouteTest, TheFamilyIsMethodAndFirstSegment) {
  EXPECT_EQ(family("/api/list"), "GET /api/");
  EXPECT_EQ(family("/api/v1/list/all"), "GET /api/");
  EXPECT_EQ(family("/api"), "GET /api/");
  EXPECT_EQ(family("/123/list"), "GET /*/");
  EXPECT_EQ(family("/"), "");
}

TEST(RouteTest, MethodsAreToldApartAndMadeUpOnesAreOne) {
  EXPECT_EQ(folded("/a", "POST"), "POST /a");
  EXPECT_EQ(folded("/a", "BREW"), folded("/a", "SPREW"));
  EXPECT_EQ(folded("/a", ""), "OTHER /a");
}

TEST(RouteTest, WhatIsTooLongOrTooDeepIsCutAtASegment) {
  EXPECT_EQ(folded("/a/b/c/d/e/f/g/h/i/j"), "GET /a/b/c/d/e/f/g/h/**");
  const std::string long_name(40, 'q');
  EXPECT_EQ(folded("/" + long_name + "/" + long_name + "/" + long_name),
            "GET /" + long_name + "/" + long_name + "/**");
  // How long an id is does not matter.
  EXPECT_EQ(folded("/" + long_name + "/" + std::string(40, '1') + "/x"),
            folded("/" + long_name + "/1/x"));
}

TEST(RouteTest, HashesGoWithTexts) {
  Route a, b, c;
  a.fold("GET", "/user/123/orders");
  b.fold("GET", "/user/456/orders");
  c.fold("GET", "/user/456/cart");
  EXPECT_EQ(a.hash(), b.hash());
  EXPECT_NE(a.hash(), c.hash());
  // The family of "/api" is not the path "/api".
  a.fold("GET", "/api");
  EXPECT_NE(a.hash(), Route::hash_of(a.name().family));
}

// 50,000 random byte strings with a fixed seed: bounded, and nothing but what may be shown.
TEST(RouteTest, AnyBytesGiveAShortPrintableText) {
  std::uint32_t x = 1;
  const auto next = [&x] { return x = x * 1664525 + 1013904223, x >> 24; };
  constexpr std::string_view kSome = "ab1-./%;A";
  Route route;
  for (int i = 0; i < 50'000; ++i) {
    std::string path(next() + next(), '/');
    for (char& c : path) {
      if (next() % 8 != 0)
        c = i % 2 == 0 ? static_cast<char>(next()) : kSome[next() % kSome.size()];
    }
    route.fold("GET", path);
    ASSERT_LE(route.name().own.size(), Route::kMostText);
    ASSERT_LE(route.name().family.size(), Route::kMostText);
    for (const char c : route.name().own) ASSERT_TRUE(c >= ' ' && c <= '~') << path;
  }
}

}  // namespace
}  // namespace leastwise
