#include "spop/actions.h"

#include <gtest/gtest.h>

#include <string>

#include "spoe_agent/spop/frames.h"

namespace leastwise::spop {
namespace {

class ActionsTest : public testing::Test {
 protected:
  std::string finished() {
    EXPECT_TRUE(ack_.finish());
    return test::as_string(buffer_.bytes());
  }

  Buffer buffer_;
  Writer ack_{buffer_, {.type = FrameType::kAck, .stream_id = 7, .frame_id = 1}, kMinFrameSize};
  Actions actions_{ack_};
};

TEST_F(ActionsTest, SettingVariablesHasTheBytesOfTheSpecification) {
  EXPECT_TRUE(actions_.set_var(Scope::kTransaction, "srv", "s1"));
  EXPECT_TRUE(actions_.set_var(Scope::kSession, "n", Value::int64(300)));
  EXPECT_EQ(finished(), test::ack(std::string("\1\3\2\3srv\x08\2s1", 11) +
                                  std::string("\1\3\1\1n\4", 6) + test::varint(300)));
}

TEST_F(ActionsTest, UnsettingAVariableHasTheBytesOfTheSpecification) {
  EXPECT_TRUE(actions_.unset_var(Scope::kResponse, "srv"));
  EXPECT_EQ(finished(), test::ack("\2\2\4\3srv"));
}

TEST_F(ActionsTest, OneThatDoesNotFitIsLeftOutWholeAndTheOthersStand) {
  EXPECT_TRUE(actions_.set_var(Scope::kTransaction, "srv", "s1"));
  EXPECT_FALSE(actions_.set_var(Scope::kTransaction, "srv2", std::string(300, 'x')));
  EXPECT_FALSE(actions_.unset_var(Scope::kTransaction, std::string(300, 'x')));
  EXPECT_TRUE(actions_.set_var(Scope::kTransaction, "srv2", "s2"));
  EXPECT_EQ(finished(), test::ack(std::string("\1\3\2\3srv\x08\2s1", 11) +
                                  std::string("\1\3\2\4srv2\x08\2s2", 12)));
}

}  // namespace
}  // namespace leastwise::spop
