#include "balance/agent_check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>

namespace leastwise::agent {
namespace {

using std::chrono::seconds;

class AgentCheckTest : public testing::Test {
 protected:
  AgentCheckTest() { protocol_.begin(now_, false); }

  // What is answered to these bytes, in pieces of one if `is_split`.
  std::string ask(std::string_view text, bool is_split = false) {
    const std::unique_ptr<Session> session = protocol_.open();
    spop::Buffer output;
    const auto* bytes = static_cast<const std::uint8_t*>(static_cast<const void*>(text.data()));
    const std::size_t step = is_split ? 1 : std::max<std::size_t>(text.size(), 1);
    for (std::size_t i = 0; i < text.size(); i += step) {
      session->feed({bytes + i, std::min(step, text.size() - i)}, output);
    }
    is_closed_ = session->is_closing();
    const spop::Bytes out = output.bytes();
    return {out.begin(), out.end()};
  }

  static std::vector<Steering::View> two() {
    return {{.server = "s1", .weight = 1, .configured = 1, .told = 256},
            {.server = "s2", .weight = 1, .configured = 1, .told = 0}};
  }

  TimePoint now_{std::chrono::hours(1)};
  WeightAnswers answers_;
  AgentCheckProtocol protocol_{answers_};
  bool is_closed_ = false;
};

TEST_F(AgentCheckTest, APercentageBecomesTheWeightAlsoRoundedDown) {
  for (std::uint32_t configured = 1; configured <= 100; ++configured) {
    for (std::uint32_t weight = 1; weight <= 256; ++weight) {
      const std::uint32_t percent = percent_of(weight, configured);
      EXPECT_EQ(configured * percent / 100, weight);
      EXPECT_LE(percent, 25600U);  // HAProxy's limit
    }
  }
  EXPECT_EQ(percent_of(0, 5), 100U);   // never told
  EXPECT_EQ(percent_of(10, 0), 100U);  // 0 stays 0
}

TEST_F(AgentCheckTest, BeforeTheServersAreKnownNothingIsChanged) {
  EXPECT_EQ(ask("app/s1\n"), "\n");
  answers_.set("app", two());
  EXPECT_EQ(ask("app/s1\n"), "25600%\n");
  EXPECT_EQ(ask("app/s2\r\n"), "100%\n");
  EXPECT_TRUE(answers_.asks("app", "s1", now_));
  EXPECT_FALSE(answers_.asks("app", "s1", now_ + seconds(61)));
}

TEST_F(AgentCheckTest, WhoAskedBeforeItWasKnownIsRemembered) {
  ask("app/s1\n");
  EXPECT_FALSE(answers_.asks("app", "s1", now_));
  answers_.set("app", two());
  EXPECT_TRUE(answers_.asks("app", "s1", now_));
  EXPECT_FALSE(answers_.asks("app", "s2", now_));
  EXPECT_EQ(answers_.stranger(now_), "");
}

TEST_F(AgentCheckTest, AStrangerHasItsConfiguredWeightAndIsNamed) {
  answers_.set("app", two());
  EXPECT_EQ(ask("app/s3\n"), "100%\n");
  EXPECT_EQ(answers_.stranger(now_), "app/s3");
  EXPECT_EQ(answers_.stranger(now_ + seconds(61)), "");
  answers_.set("app", {});
  EXPECT_EQ(ask("app/s1\n"), "100%\n") << "is steered no more";
}

TEST_F(AgentCheckTest, BytesMayComeOneByOneAndTheEndOfTheLineMayBeForgotten) {
  answers_.set("app", two());
  EXPECT_EQ(ask("app/s1\n", true), "25600%\n");
  EXPECT_EQ(ask("app/s1"), "25600%\n");
  EXPECT_TRUE(is_closed_);
  EXPECT_EQ(ask("app/s"), "");
  EXPECT_FALSE(is_closed_);
}

TEST_F(AgentCheckTest, AnEndlessNameIsClosedWithoutAnAnswer) {
  EXPECT_EQ(ask(std::string(600, 'x')), "");
  EXPECT_TRUE(is_closed_);
  EXPECT_EQ(ask(std::string(600, 'x') + '\n'), "");
  for (int i = 0; i < 1000; ++i) ask("made-up/" + std::to_string(i) + '\n');
  answers_.set("app", two());
  EXPECT_EQ(ask("app/s1\n"), "25600%\n");
}

}  // namespace
}  // namespace leastwise::agent
