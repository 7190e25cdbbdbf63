#include "state/changes.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace leastwise::nginx {
namespace {

using namespace std::chrono_literals;

class ChangesTest : public testing::Test {
 protected:
  // A fresh pool; those before stay.
  Pool make(std::size_t capacity = 8) {
    const std::size_t bytes = Pool::bytes_for(capacity);
    memory_.emplace_back(new (std::align_val_t{64}) std::byte[bytes]);
    Pool pool;
    EXPECT_TRUE(Pool::create({memory_.back().get(), bytes}, capacity, pool).ok());
    return pool;
  }
  std::string written(const Pool& pool) const {
    std::string text;
    EXPECT_TRUE(write_changes(pool, "http/app/", at_, text));
    return text;
  }
  Status read(std::string_view text, Pool& pool) const {
    Added added;
    return read_changes(text, "http/app/", at_, added, pool);
  }
  static std::string with(std::string_view server) {
    return R"({"leastwise_state": 1, "servers": [)" + std::string(server) + "]}";
  }

  struct Free {
    void operator()(std::byte* p) const { operator delete[](p, std::align_val_t{64}); }
  };
  std::vector<std::unique_ptr<std::byte[], Free>> memory_;
  Moment at_{TimePoint(100s), 1'764'400'000'250'000};
};

TEST_F(ChangesTest, WhatWasWrittenIsReadAndWrittenAlike) {
  Pool pool = make();
  const EndpointId a = pool.add("http/app/10.0.0.1:80");
  pool.configure(a, {.weight = 2, .max_fails = 1});
  pool.change(a, {.fields = Change::kWeight | Change::kDrainingFlag | Change::kRemoteFlag |
                            Change::kFailTimeout,
                  .to = {.weight = 9, .fail_timeout = 1500ms, .flags = kDraining | kRemote}});
  pool.configure(pool.add("http/app/10.0.0.7:80"), {.max_conns = 5, .flags = kAdded | kBackup});
  const EndpointId out = pool.add("http/app/unix:/run/x");
  pool.eject(out, 30s, at_.now);
  pool.configure(pool.add("http/app/10.0.0.3:80"), {.weight = 4});
  const std::string text = written(pool);
  EXPECT_EQ(text.find("10.0.0.3"), std::string::npos) << "nothing to say of it";
  EXPECT_NE(
      text.find(R"("changed":{"weight":9,"fail_timeout_ms":1500,"drain":true,"remote":true})"),
      std::string::npos)
      << text;

  Pool next = make();
  at_.now = TimePoint(7s);  // another boot,
  at_.unix_us += 10'000'000;
  ASSERT_TRUE(read(text, next).ok());
  const EndpointId b = next.find("http/app/10.0.0.1:80");
  EXPECT_EQ(next.settings(b).weight, 9U);
  EXPECT_EQ(next.configured(b).weight, 2U);
  EXPECT_EQ(next.settings(b).flags, kDraining | kRemote);
  EXPECT_EQ(next.changed(b), pool.changed(a));
  EXPECT_EQ(next.settings(next.find("http/app/10.0.0.7:80")).flags, kAdded | kBackup);
  EXPECT_EQ(next.ejected_by_hand(next.find("http/app/unix:/run/x"), at_.now) / 1s, 19);
  EXPECT_EQ(written(next), text);
}

TEST_F(ChangesTest, AnEjectionThatIsOverIsNotTakenUp) {
  Pool pool = make();
  pool.eject(pool.add("http/app/a:1"), 30s, at_.now);
  const std::string text = written(pool);
  Pool next = make();
  at_.unix_us += 31'000'000;
  ASSERT_TRUE(read(text, next).ok());
  EXPECT_EQ(next.ejected_by_hand(next.find("http/app/a:1"), at_.now), Duration::zero());
}

TEST_F(ChangesTest, WhatCanNotBeReadChangesNothing) {
  const std::string good =
      R"({"server": "a:1", "configured": {"weight": 1}, "changed": {"down": true}})";
  Pool ok = make();
  ASSERT_TRUE(read(with(good), ok).ok());
  ASSERT_EQ(ok.endpoints(), 1U);
  for (const std::string bad :
       {R"({"server": "a:1"})", R"({"server": 1, "configured": {}})", R"({"configured": {}})",
        R"({"server": "a 1", "configured": {}})", R"({"server": "", "configured": {}})",
        R"({"server": "a:1", "configured": []})",
        R"({"server": "a:1", "configured": {"weight": -1}})",
        R"({"server": "a:1", "configured": {"weight": 1.5}})",
        R"({"server": "a:1", "configured": {"weight": 65536}})",
        R"({"server": "a:1", "configured": {"down": 1}})",
        R"({"server": "a:1", "configured": {}, "added": "yes"})",
        R"({"server": "a:1", "configured": {}, "changed": 3})",
        R"({"server": "a:1", "configured": {}, "ejected_until": "soon"})", "null", "[]"}) {
    Pool pool = make();
    EXPECT_EQ(read(with(good + "," + bad), pool).code(), Status::Code::kCorrupt) << bad;
    EXPECT_EQ(pool.endpoints(), 0U) << bad;
  }
  const std::string whole = with(good);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    Pool pool = make();
    EXPECT_FALSE(read(std::string_view(whole.data(), size), pool).ok()) << size;
    EXPECT_FALSE(is_state(std::string_view(whole.data(), size)));
  }
  EXPECT_TRUE(is_state(whole));
}

TEST_F(ChangesTest, WhatAPoolHasNoRoomForIsSaidAndTheRestIsTakenUp) {
  std::string servers = R"({"server": "a:0", "configured": {}})";
  for (int i = 1; i < 4; ++i) {
    servers += R"(,{"server": "a:)" + std::to_string(i) + R"(", "configured": {}})";
  }
  Pool pool = make(2);
  EXPECT_EQ(read(with(servers), pool).code(), Status::Code::kNoMemory);
  EXPECT_EQ(pool.endpoints(), 2U);
}

TEST_F(ChangesTest, OfServersThatWereAddedAsManyAsThereIsRoomForAreTakenUpAndTheOthersNamed) {
  Pool pool = make();
  pool.add("http/app/a:2");  // configured now
  Added added{.most = 2, .names = {}};
  std::string servers = R"({"server": "b:1", "configured": {"weight": 3}})";
  for (const char* port : {"1", "2", "3", "4", "5"}) {
    servers += R"(,{"server": "a:)" + std::string(port) + R"(", "added": true, "configured": {}})";
  }
  ASSERT_TRUE(read_changes(with(servers), "http/app/", at_, added, pool).ok());
  EXPECT_EQ(added.left_out, 2U);
  EXPECT_EQ(added.names, "a:4, a:5");
  EXPECT_EQ(pool.endpoints(), 4U);
  EXPECT_NE(pool.find("http/app/a:3"), kNoEndpoint);
  EXPECT_NE(pool.find("http/app/b:1"), kNoEndpoint);
  EXPECT_EQ(pool.find("http/app/a:4"), kNoEndpoint);
}

}  // namespace
}  // namespace leastwise::nginx
