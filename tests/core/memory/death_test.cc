// A process that is killed at each of its writes to shared memory in turn, among 2, 64 and 200:
// within two seconds the counts are right, and at no time is one request too many admitted.
//
// The one that dies is a real process. The others live in this one, which has a row of the ledger
// and requests in flight for each of them; time is moved by hand.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "core/memory/write_trap.h"
#include "core/pool_fixture.h"
#include "memory/state.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kServers = 4;
constexpr std::size_t kCapacity = 64;  // so many that one tick looks after a few only
constexpr Incarnation kVictim{.pid = 9001};
constexpr Incarnation kDeadBefore{.pid = 9002};
constexpr Incarnation kNewcomer{.pid = 9003};
constexpr std::string_view kNewName = "http/u/new";

bool is_alive(Incarnation who) { return who != kVictim && who != kDeadBefore; }
bool lives_all(Incarnation) { return true; }

// One process, as it is seen by whoever plays it.
struct Actor {
  Pool pool;
  ProcessSlot slot = kNoSlot;
  Memory memory{64};
  Picker picker;
  std::vector<Ticket> open;
};

class DeathTest : public testing::TestWithParam<std::uint32_t> {
 protected:
  void SetUp() override {
    config_.outlier = true;
    config_.slow_start = 1s;
    config_.switchback = true;
    ASSERT_TRUE(memory_.is_good());
    // What lies there before: in the ledger's rows it would be two requests for each server.
    const std::span<std::byte> bytes = memory_.open();
    std::fill_n(reinterpret_cast<std::int32_t*>(bytes.data()), bytes.size() / 4, 2);
    ASSERT_TRUE(Pool::create(memory_.open(), kCapacity, pool_).ok());
    for (std::size_t i = 0; i < kServers; ++i) {
      members_.push_back({.id = pool_.add("http/u/" + std::to_string(i))});
    }
    others_.resize(GetParam() - 1);
    for (std::size_t i = 0; i < others_.size(); ++i) {
      enter(others_[i], pool_, {.pid = static_cast<std::uint32_t>(i + 1)}, 2);
    }
    // Some answers, so that the model has learned, and some that wait for the next tick.
    for (int i = 0; i < 400; ++i) {
      answer(others_[0]);
      if (i % 20 == 0) pool_.tick(config_, now_ += 100ms);
    }
  }

  void enter(Actor& actor, const Pool& pool, Incarnation who, int requests) {
    actor.pool = pool;
    actor.slot = actor.pool.join(who, lives_all);
    ASSERT_NE(actor.slot, kNoSlot);
    actor.memory = Memory(Picker::bytes_for(kServers));
    ASSERT_TRUE(
        Picker::create(actor.pool, actor.slot, members_, actor.memory.span(), who.pid, actor.picker)
            .ok());
    for (int i = 0; i < requests; ++i) actor.open.push_back(pick(actor));
  }
  // The victim sees the memory that is trapped.
  void enter_victim(int requests) {
    Pool pool;
    ASSERT_TRUE(Pool::attach(memory_.trapped(), pool).ok());
    enter(victim_, pool, kVictim, requests);
  }
  void enter_dead_one() {
    Actor dead;
    enter(dead, pool_, kDeadBefore, 3);
  }

  Ticket pick(Actor& actor) {
    Tried tried;
    return actor.picker.pick(config_, {.route = 1, .in_flight = {}}, tried, now_);
  }
  void answer(Actor& actor) {
    const Ticket ticket = pick(actor);
    ASSERT_TRUE(ticket);
    actor.picker.finish(config_, ticket, {.status = 200, .occupied = 2ms}, now_ += 1ms);
  }

  // Just so many more as are in flight now and one for each server.
  void limit() {
    for (const Member& m : members_) {
      settings_.max_conns = std::max(settings_.max_conns, in_flight(m.id) + 1);
    }
    for (const Member& m : members_) pool_.configure(m.id, settings_);
  }
  std::uint32_t in_flight(EndpointId id) { return pool_.view(id, config_, now_).in_flight; }

  static std::uint32_t count_on(const Actor& actor, EndpointId id) {
    return static_cast<std::uint32_t>(
        std::count_if(actor.open.begin(), actor.open.end(),
                      [id](const Ticket& ticket) { return ticket.id == id; }));
  }
  // Requests of the living on one server.
  std::uint32_t living_on(EndpointId id) const {
    std::uint32_t n = 0;
    for (const Actor& other : others_) n += count_on(other, id);
    return n;
  }

  // Kills a process at each write of `op` in turn, and lets the others find out. At each write the
  // process forks one that will go on from there, and dies.
  void kill_at_each_write(
      const std::function<void()>& op, const std::function<void()>& repeat = [] {}) {
    limit();
    start_successors(op);
    const TimePoint start = now_;
    int deaths = 0;
    for (bool is_done = false; !is_done; ++deaths) {
      SCOPED_TRACE("killed at write " + std::to_string(deaths));
      is_done = !has_died();
      const std::vector<std::byte> saved(memory_.open().begin(), memory_.open().end());
      expect_all_well(repeat);
      std::memcpy(memory_.open().data(), saved.data(), saved.size());
      now_ = start;
      if (is_done || HasFailure()) break;
      ASSERT_EQ(::write(go_on_[1], "", 1), 1);
    }
    ::close(go_on_[1]);
    ::close(go_on_[0]);
    while (::waitpid(-1, nullptr, 0) > 0) {
    }
    EXPECT_GT(deaths, 0) << "it wrote nothing";
    RecordProperty("writes", deaths);
  }

  void start_successors(const std::function<void()>& op) {
    ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0);  // successors become our own children
    ASSERT_EQ(::pipe(go_on_.data()), 0);
    const pid_t pid = ::fork();
    ASSERT_GE(pid, 0);
    if (pid != 0) return;
    ::close(go_on_[1]);
    WriteTrap::run(memory_.trapped(), die_and_go_on, op);
    ::_exit(0);
  }
  static void die_and_go_on(int) {
    const pid_t successor = ::fork();
    if (successor != 0) ::kill(::getpid(), SIGKILL);
    char byte = 0;
    if (::read(go_on_[0], &byte, 1) != 1) ::_exit(1);
  }
  // False when it came to its end.
  static bool has_died() {
    int status = 0;
    EXPECT_GT(::waitpid(-1, &status, 0), 0);
    EXPECT_TRUE(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status);
  }

  void expect_all_well(const std::function<void()>& repeat) {
    const std::uint64_t ticks = pool_.view().ticks;
    for (int i = 1; i <= 20; ++i) {
      expect_none_too_many();
      now_ += 100ms;
      pool_.tick(config_, now_, 0ms, others_[0].slot);
      if (i % 10 == 0) pool_.heal({.pid = 1}, is_alive);
    }
    expect_none_too_many();
    EXPECT_GE(pool_.view().ticks, ticks + 9) << "the tick is held";
    for (const Member& m : members_) EXPECT_EQ(in_flight(m.id), living_on(m.id));
    EXPECT_EQ(pool_.view().processes, others_.size());
    repeat();
    EXPECT_EQ(pool_.view().endpoints, endpoints_);
    for (const Member& m : members_) {
      EXPECT_EQ(pool_.settings(m.id).max_conns, settings_.max_conns);
      EXPECT_EQ(pool_.settings(m.id).weight, settings_.weight);
    }
    expect_places_are_all_there();
  }
  void expect_none_too_many() {
    for (const Member& m : members_) EXPECT_GE(in_flight(m.id), living_on(m.id));
  }
  // A newcomer finds a row, every place up to max_conns can be taken, and none stays taken.
  void expect_places_are_all_there() {
    for (const Member& m : members_) {  // whether it has failed is of no matter
      pool_.configure(m.id, {.max_conns = settings_.max_conns});
    }
    Actor newcomer;
    enter(newcomer, pool_, kNewcomer, 0);
    while (const Ticket ticket = pick(newcomer)) newcomer.open.push_back(ticket);
    for (const Member& m : members_) {
      EXPECT_EQ(living_on(m.id) + count_on(newcomer, m.id), settings_.max_conns);
    }
    cancel_all(newcomer);
    for (Actor& other : others_) cancel_all(other);
    for (const Member& m : members_) EXPECT_EQ(in_flight(m.id), 0U);
  }
  // Its tickets stay: the next try begins where this one did.
  void cancel_all(Actor& actor) {
    for (const Ticket& ticket : actor.open) {
      actor.picker.finish(config_, ticket, {.result = Result::kCancelled}, now_);
    }
  }

  TwiceMapped memory_{Pool::bytes_for(kCapacity)};
  Pool pool_;
  std::vector<Member> members_;
  std::vector<Actor> others_;
  Actor victim_;
  Config config_;
  EndpointSettings settings_;
  std::size_t endpoints_ = kServers;
  TimePoint now_{5h};

  inline static std::array<int, 2> go_on_{};  // a byte for each successor
};

INSTANTIATE_TEST_SUITE_P(Processes, DeathTest, testing::Values(2, 64, 200),
                         testing::PrintToStringParamName());

TEST_P(DeathTest, InAPick) {
  enter_victim(3);
  kill_at_each_write([&] { pick(victim_); });
}

TEST_P(DeathTest, InTheProbeOfAServerThatFailed) {
  enter_victim(0);
  settings_.max_fails = 1;
  limit();
  for (const Member& m : members_) {
    const Ticket ticket =
        others_[0].picker.adopt(config_, {}, m.id == members_[0].id ? 0 : 1, now_);
    others_[0].picker.finish(config_, ticket, {.result = Result::kReset}, now_);
  }
  now_ += 11s;
  kill_at_each_write([&] { victim_.picker.adopt(config_, {}, 0, now_); });
}

TEST_P(DeathTest, InTheFinishOfAnAnswer) {
  enter_victim(3);
  kill_at_each_write([&] {
    victim_.picker.finish(config_, victim_.open[1],
                          {.status = 200, .connect = 1ms, .first_byte = 2ms, .occupied = 3ms},
                          now_);
  });
}

TEST_P(DeathTest, InTheFinishOfAFailure) {
  settings_.max_fails = 2;
  enter_victim(3);
  kill_at_each_write([&] {
    victim_.picker.finish(config_, victim_.open[0], {.result = Result::kTimeout, .occupied = 9ms},
                          now_);
  });
}

// A tunnel: it keeps its place after the answer.
TEST_P(DeathTest, InAnsweringAndReleasing) {
  enter_victim(3);
  kill_at_each_write([&] {
    Ticket ticket = victim_.open[2];
    victim_.picker.answered(config_, ticket, {.status = 101, .occupied = 2ms}, now_);
    victim_.picker.release(config_, ticket, now_);
  });
}

TEST_P(DeathTest, InHealing) {
  enter_victim(2);
  enter_dead_one();
  kill_at_each_write(
      [&] { victim_.pool.heal(kVictim, [](Incarnation who) { return who != kDeadBefore; }); });
}

TEST_P(DeathTest, InJoining) {
  enter_dead_one();
  Pool pool;
  ASSERT_TRUE(Pool::attach(memory_.trapped(), pool).ok());
  kill_at_each_write(
      [&] { pool.join(kVictim, [](Incarnation who) { return who != kDeadBefore; }); });
}

TEST_P(DeathTest, InJoiningAsTheFirstOfItsRow) {
  Pool pool;
  ASSERT_TRUE(Pool::attach(memory_.trapped(), pool).ok());
  kill_at_each_write([&] { pool.join(kVictim, lives_all); });
}

TEST_P(DeathTest, InLeaving) {
  enter_victim(0);
  kill_at_each_write([&] { victim_.pool.leave(victim_.slot, kVictim); });
}

TEST_P(DeathTest, InATick) {
  enter_victim(2);
  enter_dead_one();
  pool_.heal({.pid = 1}, [](Incarnation who) { return who != kDeadBefore; });  // so there is doubt
  kill_at_each_write([&] { victim_.pool.tick(config_, now_ + 2s, 0ms, victim_.slot); });
}

TEST_P(DeathTest, InCatchingUp) {
  enter_victim(2);
  kill_at_each_write([&] { victim_.pool.catch_up(config_, now_ + 1ms, victim_.slot); });
}

TEST_P(DeathTest, InConfiguring) {
  enter_victim(2);
  limit();
  const EndpointSettings wanted{
      .weight = 3, .max_conns = settings_.max_conns + 1, .max_fails = 2, .fail_timeout = 3s};
  const auto configure = [&](Pool& pool) {
    for (const Member& m : members_) pool.configure(m.id, wanted);
  };
  kill_at_each_write([&] { configure(victim_.pool); },
                     [&] {
                       settings_ = wanted;
                       configure(pool_);
                     });
}

TEST_P(DeathTest, InAddingAndRetiring) {
  enter_victim(2);
  endpoints_ = kServers + 1;
  kill_at_each_write(
      [&] {
        victim_.pool.retire(victim_.pool.add(kNewName));
        victim_.pool.add(kNewName);
      },
      [&] {
        EXPECT_NE(pool_.add(kNewName), kNoEndpoint);
        for (int i = 0; i < 10; ++i) pool_.tick(config_, now_ += 100ms, 0ms, others_[0].slot);
        int times = 0;
        pool_.for_each(
            [&](EndpointId id) { times += pool_.view(id, config_, now_).name == kNewName; });
        EXPECT_EQ(times, 1);
      });
}

}  // namespace
}  // namespace leastwise
