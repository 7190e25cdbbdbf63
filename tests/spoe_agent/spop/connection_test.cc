#include "spop/connection.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "spoe_agent/spop/captures.h"
#include "spoe_agent/spop/frames.h"
#include "spoe_agent/spop/recording_handler.h"

namespace leastwise::spop {
namespace {

using test::ack;
using test::agent_disconnect;
using test::agent_hello;
using test::as_bytes;
using test::hello;
using test::kPickActions;
using test::message;
using test::notify;
using test::unhex;

const std::string kMessage = message("leastwise-pick", {});

class ConnectionTest : public testing::Test {
 protected:
  // Feeds, and takes the answers out as a caller would who sends them.
  std::string answer(std::string_view input) {
    connection_.feed(as_bytes(input), output_);
    return take();
  }
  std::string take() {
    std::string out = test::as_string(output_.bytes());
    output_.clear();
    return out;
  }

  test::RecordingHandler handler_;
  Connection connection_{handler_};
  Buffer output_;
};

TEST_F(ConnectionTest, AnswersHaproxy26ByteByByteAsItAcceptedIt) {
  EXPECT_EQ(answer(unhex(test::kCapturedHello)), unhex(test::kAcceptedHello));
  EXPECT_TRUE(connection_.is_open());
  EXPECT_EQ(handler_.engine_id, "986b3d2b-d603-4575-a458-17205d822ce5");
  EXPECT_EQ(answer(unhex(test::kCapturedNotify)), unhex(test::kAcceptedAck));
  EXPECT_EQ(answer(unhex(test::kCapturedNotifyWithoutKey)), ack(kPickActions, 2, 1));
  EXPECT_EQ(answer(unhex(test::kCapturedDisconnect)), unhex(test::kAcceptedDisconnect));
  EXPECT_TRUE(connection_.closing());
  EXPECT_EQ(connection_.status(), StatusCode::kNormal);
  EXPECT_EQ(handler_.peer_status, 2U);
  EXPECT_EQ(handler_.peer_message, "a timeout occurred");
}

TEST_F(ConnectionTest, AHealthCheckIsAnsweredByAHelloAndEnds) {
  EXPECT_EQ(answer(unhex(test::kCapturedHealthCheck)), unhex(test::kAcceptedHealthCheck));
  EXPECT_TRUE(connection_.closing());
  EXPECT_EQ(connection_.status(), StatusCode::kNormal);
  EXPECT_EQ(handler_.hellos, 1);
}

TEST_F(ConnectionTest, AFalseHealthCheckIsAnOrdinaryHello) {
  std::string frame = unhex(test::kCapturedHealthCheck);
  frame.back() = '\x01';
  answer(frame);
  EXPECT_TRUE(connection_.is_open());
}

TEST_F(ConnectionTest, AnnouncesPipeliningOnlyIfHaproxyDoesAndNothingElse) {
  EXPECT_EQ(answer(hello("fragmentation, async")), agent_hello(""));
  Connection other(handler_);
  other.feed(as_bytes(hello("fragmentation, pipelining ,async")), output_);
  EXPECT_EQ(take(), agent_hello("pipelining"));
}

TEST_F(ConnectionTest, AgreesOnTheSmallerFrameSize) {
  EXPECT_EQ(answer(hello("", 65532)), agent_hello("", 16380));
  EXPECT_EQ(connection_.max_frame_size(), 16380U);
  Connection other(handler_);
  other.feed(as_bytes(hello("", 256)), output_);
  EXPECT_EQ(take(), agent_hello("", 256));
  EXPECT_EQ(other.max_frame_size(), 256U);
}

TEST_F(ConnectionTest, AnAckRepeatsTheIdentifiersOfItsNotify) {
  answer(hello());
  for (const std::uint64_t id : {0ULL, 239ULL, 240ULL, 70000ULL, ~0ULL}) {
    EXPECT_EQ(answer(notify(kMessage, id, id / 2)), ack(kPickActions, id, id / 2));
  }
}

TEST_F(ConnectionTest, ABatchIsAnsweredInOneOutputInOrder) {
  std::string batch = hello();
  std::string expected = agent_hello();
  for (unsigned i = 1; i <= 20; ++i) {
    batch += notify(kMessage, i, 1);
    expected += ack(kPickActions, i, 1);
  }
  EXPECT_EQ(answer(batch), expected);
  EXPECT_EQ(handler_.notified, std::vector<std::string>(20, "leastwise-pick;"));
}

TEST_F(ConnectionTest, ANotifyWithoutMessagesIsAnsweredToo) {
  answer(hello());
  EXPECT_EQ(answer(notify("")), ack(kPickActions));
}

TEST_F(ConnectionTest, TheAbortFlagOfAWholeFrameIsIgnored) {
  answer(hello());
  EXPECT_EQ(answer(test::frame_of(3, kMessage, 3, 7, 1)), ack(kPickActions));
}

TEST_F(ConnectionTest, AFrameOfExactlyTheAgreedSizeIsTaken) {
  answer(hello("", 256));
  const std::size_t rest = 256 - kMinHeaderSize - kMessage.size();
  const std::string padding = message(std::string(rest - 2, 'x'), {});
  ASSERT_EQ(notify(kMessage + padding).size(), 260U);
  EXPECT_EQ(answer(notify(kMessage + padding)), ack(kPickActions));
  EXPECT_EQ(answer(notify(kMessage + message(std::string(rest - 1, 'x'), {}))),
            agent_disconnect(StatusCode::kFrameTooBig));
}

TEST_F(ConnectionTest, AnswersBeforeARefusedFrameStand) {
  const std::string input = hello() + notify(kMessage) + notify("\x05") + notify(kMessage);
  EXPECT_EQ(answer(input),
            agent_hello() + ack(kPickActions) + agent_disconnect(StatusCode::kInvalidFrame));
  EXPECT_EQ(handler_.notified.size(), 1U);
}

TEST_F(ConnectionTest, TheHandlerNeverSeesTheGoodHalfOfABadNotify) {
  answer(hello());
  answer(notify(kMessage + "\x05"));
  EXPECT_TRUE(handler_.notified.empty());
  EXPECT_EQ(connection_.status(), StatusCode::kInvalidFrame);
}

TEST_F(ConnectionTest, NothingIsAnsweredOnceItCloses) {
  answer(hello() + unhex(test::kCapturedDisconnect));
  EXPECT_EQ(answer(notify(kMessage) + hello()), "");
  connection_.end_of_input(output_);
  connection_.disconnect(StatusCode::kTimeout, output_);
  EXPECT_EQ(take(), "");
  EXPECT_EQ(connection_.status(), StatusCode::kNormal);
}

TEST_F(ConnectionTest, AcksOfAHalfClosedConnectionAreStillThereToBeSent) {
  connection_.feed(as_bytes(hello() + notify(kMessage)), output_);
  connection_.end_of_input(output_);
  EXPECT_TRUE(connection_.closing());
  EXPECT_EQ(connection_.status(), StatusCode::kNormal);
  EXPECT_EQ(take(), agent_hello() + ack(kPickActions));
}

TEST_F(ConnectionTest, AStreamThatEndsWithinAFrameIsAnIoError) {
  answer(hello());
  EXPECT_EQ(answer(notify(kMessage).substr(0, 9)), "");
  connection_.end_of_input(output_);
  EXPECT_EQ(take(), agent_disconnect(StatusCode::kIoError));
  EXPECT_EQ(connection_.status(), StatusCode::kIoError);
}

TEST_F(ConnectionTest, AConnectionOpenedAndClosedWithoutAWordEndsInSilence) {
  connection_.end_of_input(output_);
  EXPECT_TRUE(connection_.closing());
  EXPECT_EQ(take(), "");
}

TEST_F(ConnectionTest, TheAgentMayEndItItself) {
  answer(hello());
  connection_.disconnect(StatusCode::kTimeout, output_);
  EXPECT_EQ(take(), agent_disconnect(StatusCode::kTimeout));
  EXPECT_TRUE(connection_.closing());
}

TEST_F(ConnectionTest, HaproxyMayLeaveBeforeItsHello) {
  EXPECT_EQ(answer(unhex(test::kCapturedDisconnect)), agent_disconnect(StatusCode::kNormal));
}

// All that a session has: HELLO, NOTIFY of different sizes, DISCONNECT.
std::string captured_session() {
  return unhex(test::kCapturedHello) + unhex(test::kCapturedNotify) +
         unhex(test::kCapturedNotifyWithoutKey) + notify("", 7, 1) + unhex(test::kCapturedNotify) +
         unhex(test::kCapturedDisconnect);
}

TEST_F(ConnectionTest, AnyPiecesOfTheStreamGiveTheSameAnswers) {
  const std::string session = captured_session();
  const std::string expected = answer(session);
  ASSERT_TRUE(connection_.closing());
  for (std::size_t size = 1; size < session.size(); ++size) {
    Connection other(handler_);
    for (std::size_t at = 0; at < session.size(); at += size) {
      other.feed(as_bytes(std::string_view(session).substr(at, size)), output_);
    }
    ASSERT_EQ(take(), expected) << "pieces of " << size;
    ASSERT_TRUE(other.closing());
  }
}

TEST_F(ConnectionTest, ASplitAtAnyPlaceGivesTheSameAnswers) {
  const std::string session = captured_session();
  const std::string expected = answer(session);
  for (std::size_t at = 0; at <= session.size(); ++at) {
    Connection other(handler_);
    other.feed(as_bytes(session).first(at), output_);
    other.feed(as_bytes(session).subspan(at), output_);
    ASSERT_EQ(take(), expected) << "split at " << at;
  }
}

TEST_F(ConnectionTest, FeedingNothingDoesNothing) {
  EXPECT_EQ(answer(""), "");
  EXPECT_FALSE(connection_.closing());
}

// Sets a variable as large as asked for, and one more.
class LargeAnswer : public Handler {
 public:
  explicit LargeAnswer(std::size_t size) : text_(size, 'x') {}
  void on_notify(Messages, Actions& actions) noexcept override {
    actions.set_var(Scope::kTransaction, "srv", text_);
    actions.set_var(Scope::kTransaction, "srv2", "s1");
  }

 private:
  std::string text_;
};

TEST(ConnectionLimits, AnAckIsNeverAboveTheAgreedSize) {
  for (std::size_t size = 0; size < 600; ++size) {
    LargeAnswer handler(size);
    Connection connection(handler);
    Buffer output;
    connection.feed(as_bytes(hello("", 256)), output);
    output.clear();
    connection.feed(as_bytes(notify(kMessage)), output);
    ASSERT_LE(output.size(), kLengthSize + 256) << size;
    ASSERT_FALSE(connection.closing());
    Reader reader(output.bytes());
    ASSERT_EQ(reader.u32(), output.size() - kLengthSize);
  }
}

}  // namespace
}  // namespace leastwise::spop
