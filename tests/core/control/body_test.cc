#include "control/body.h"

#include <gtest/gtest.h>

#include <string>

namespace leastwise::control {
namespace {

using namespace std::chrono_literals;

// What the error says; empty: it is read.
std::string read(BodyKind kind, std::string_view text, Body& out) {
  std::array<char, 256> buffer;
  Text error(buffer);
  const bool ok = read_body(kind, text, out, error);
  EXPECT_EQ(ok, error.size() == 0);
  return std::string(error.view());
}

TEST(BodyTest, ASettingIsWhatTheBodySaysAndNullIsAsConfigured) {
  Body body;
  EXPECT_EQ(read(BodyKind::kChange,
                 R"({"weight": 3, "drain": true, "down": null, "fail_timeout": "1500ms"})", body),
            "");
  EXPECT_EQ(body.change.fields, Change::kWeight | Change::kDrainingFlag | Change::kFailTimeout);
  EXPECT_EQ(body.change.undone, Change::kDownFlag);
  EXPECT_EQ(body.change.to.weight, 3U);
  EXPECT_EQ(body.change.to.flags, kDraining);
  EXPECT_EQ(body.change.to.fail_timeout, 1500ms);
}

TEST(BodyTest, AFalseFlagIsASettingToo) {
  Body body;
  EXPECT_EQ(read(BodyKind::kChange, R"({"down": false})", body), "");
  EXPECT_EQ(body.change.fields, Change::kDownFlag);
  EXPECT_EQ(body.change.to.flags, 0U);
}

TEST(BodyTest, WhereAServerIs) {
  Body body;
  EXPECT_EQ(read(BodyKind::kAdd, R"({"server": "a:1", "remote": true})", body), "");
  EXPECT_EQ(body.change.fields, Change::kRemoteFlag);
  EXPECT_EQ(body.change.to.flags, kRemote);
  EXPECT_EQ(read(BodyKind::kPicks, R"({"remote": false})", body), "");
  EXPECT_EQ(body.change.to.flags, 0U);
  EXPECT_EQ(read(BodyKind::kChange, R"({"remote": null})", body), "");
  EXPECT_EQ(body.change.undone, Change::kRemoteFlag);
}

TEST(BodyTest, AnEjectionMayHaveATimeAndNothingElse) {
  Body body;
  EXPECT_EQ(read(BodyKind::kEject, "", body), "");
  EXPECT_FALSE(body.time.has_value());
  EXPECT_EQ(read(BodyKind::kEject, R"({"for": "5m"})", body), "");
  EXPECT_EQ(body.time, 5min);
  EXPECT_EQ(read(BodyKind::kEject, R"({"weight": 1})", body),
            "unknown key \"weight\": expected for");
}

TEST(BodyTest, AnErrorNamesWhatIsAccepted) {
  Body body;
  EXPECT_EQ(read(BodyKind::kChange, R"({"weight": 70000})", body),
            "\"weight\": expected a number from 1 to 65535");
  EXPECT_EQ(read(BodyKind::kChange, R"({"down": 1})", body), "\"down\": expected true or false");
  EXPECT_EQ(read(BodyKind::kChange, "", body),
            "no JSON, at byte 1: expected an object such as {\"weight\": 3, \"drain\": true}");
  EXPECT_EQ(read(BodyKind::kChange, R"({"weight": 1, "weight": 1})", body),
            "\"weight\" is there twice");
  EXPECT_EQ(read(BodyKind::kAdd, R"({"server": ")" + std::string(300, 'x') + "\"}", body),
            "\"server\": expected a text such as \"10.0.0.1:8080\"");
  EXPECT_EQ(read(BodyKind::kAdd, R"({"weight": null})", body),
            "\"weight\": expected a number from 1 to 65535");
}

TEST(BodyTest, AKeyThatIsTooLongIsShownUpToTheEndOfACharacter) {
  Body body;
  const std::string error =
      read(BodyKind::kEject, "{\"" + std::string(63, 'x') + "\xc3\xa4\": 1}", body);
  EXPECT_EQ(error, "unknown key \"" + std::string(63, 'x') + "\": expected for");
}

}  // namespace
}  // namespace leastwise::control
