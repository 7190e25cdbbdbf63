// Processes that share a pool and are killed at any instruction: nothing they held may stay held.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <new>

#include "core/pool_fixture.h"
#include "memory/state.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;

bool is_alive(Incarnation who) {
  return ::kill(static_cast<pid_t>(who.pid), 0) == 0 || errno == EPERM;
}

class KillTest : public testing::Test {
 protected:
  static constexpr std::size_t kServers = 8;
  static constexpr int kKills = 200;
  static constexpr std::size_t kWorkers = 3;

  void SetUp() override {
    const std::size_t bytes = Pool::bytes_for(16) + 64;
    void* memory =
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(memory, MAP_FAILED);
    clock_ = new (memory) std::atomic<std::int64_t>{0};
    calls_ = new (clock_ + 1) std::atomic<std::int64_t>{0};
    clock_stands_ = new (calls_ + 1) std::atomic<bool>{false};
    auto* block = static_cast<std::byte*>(memory) + 64;
    header_ = reinterpret_cast<state::Header*>(block);
    ASSERT_TRUE(Pool::create({block, bytes - 64}, 16, pool_).ok());
    for (std::size_t i = 0; i < kServers; ++i) {
      const EndpointId id = pool_.add("http/u/" + std::to_string(i));
      pool_.configure(id, {});
      members_.push_back({.id = id});
    }
    slot_ = pool_.join({.pid = own_pid()}, is_alive);
    ASSERT_TRUE(make_picker(slot_, own_memory_, picker_));
  }

  static std::uint32_t own_pid() { return static_cast<std::uint32_t>(::getpid()); }

  // One clock for all, that each step of anybody moves: a thousand steps are a tick.
  TimePoint step() { return TimePoint(5h) + clock_->fetch_add(1) * 100us; }

  bool make_picker(ProcessSlot slot, Memory& memory, Picker& picker) {
    memory = Memory(Picker::bytes_for(members_.size()));
    return Picker::create(pool_, slot, members_, memory.span(), own_pid(), picker).ok();
  }

  [[noreturn]] void work() {
    Memory memory(64);
    Picker picker;
    const ProcessSlot slot = pool_.join({.pid = own_pid()}, is_alive);
    if (!make_picker(slot, memory, picker)) ::_exit(1);
    std::array<Ticket, 4> open{};
    for (std::size_t i = 0;; ++i) {
      Ticket& ticket = open[i % open.size()];
      const TimePoint now = step();
      if (ticket) picker.finish(config_, ticket, {.status = 200, .occupied = 2ms}, now);
      Tried tried;
      ticket = picker.pick(config_, {.route = i % 3 + 1, .in_flight = {}}, tried, now);
      pool_.tick(config_, now);
      if (i % 64 == 0) pool_.heal({.pid = own_pid()}, is_alive);
    }
  }

  pid_t start_worker() {
    const pid_t pid = ::fork();
    if (pid == 0) work();
    return pid;
  }

  // Enters one tick after the other, until the clock stands.
  [[noreturn]] void tick_on() {
    for (;; calls_->fetch_add(1)) {
      if (!*clock_stands_) clock_->fetch_add(1000);
      pool_.tick(config_, TimePoint(5h) + clock_->load() * 100us);
    }
  }
  // Stops a process while it is in a tick; returns the stamp of its entry.
  std::int64_t stop_in_tick(pid_t pid) {
    for (;;) {
      int status = 0;
      ::kill(pid, SIGSTOP);
      if (::waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status)) return 0;
      if (const std::int64_t entered = header_->tick_entry; entered != 0) return entered;
      ::kill(pid, SIGCONT);
      ::usleep(50);
    }
  }
  static void kill_worker(pid_t pid) {
    ASSERT_EQ(::kill(pid, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "it ended by itself";
  }

  std::uint32_t in_flight() {
    std::uint32_t sum = 0;
    for (const Member& m : members_) sum += pool_.view(m.id, config_, TimePoint(5h)).in_flight;
    return sum;
  }

  std::atomic<std::int64_t>* clock_ = nullptr;
  std::atomic<std::int64_t>* calls_ = nullptr;  // of tick(), by tick_on()
  std::atomic<bool>* clock_stands_ = nullptr;
  state::Header* header_ = nullptr;
  Pool pool_;
  std::vector<Member> members_;
  ProcessSlot slot_{};
  Memory own_memory_{64};
  Picker picker_;
  Config config_;
};

TEST_F(KillTest, AtAnyInstructionNothingStaysHeld) {
  Rng rng(7);
  std::array<pid_t, kWorkers> workers{};
  for (pid_t& pid : workers) pid = start_worker();
  for (int i = 0; i < kKills; ++i) {
    ::usleep(rng.below(4000));
    pid_t& victim = workers[rng.below(kWorkers)];
    kill_worker(victim);
    victim = start_worker();
  }
  for (const pid_t pid : workers) kill_worker(pid);

  const std::uint64_t ticks = pool_.view().ticks;
  EXPECT_GT(ticks, 0U);
  pool_.heal({.pid = own_pid()}, is_alive);
  // Ten seconds: whoever died within a tick is replaced after its lease, and the audit mends what
  // was counted in one place and not yet in the other.
  for (int i = 0; i < 100; ++i) {
    clock_->fetch_add(1000);
    pool_.tick(config_, step());
  }
  EXPECT_GT(pool_.view().ticks, ticks + 40);
  EXPECT_EQ(in_flight(), 0U);
  EXPECT_EQ(pool_.view().processes, 1U);

  std::array<int, kServers> hits{};
  for (std::size_t i = 0; i < 10 * kServers; ++i) {
    Tried tried;
    const Ticket t = picker_.pick(config_, {}, tried, step());
    ASSERT_TRUE(t);
    ++hits[t.member];
  }
  for (const int n : hits) EXPECT_NEAR(n, 10, 4);
}

// Its lease ran out, and a successor is in the tick when it goes on.
TEST_F(KillTest, WhoWakesUpInATickLeavesTheEntryOfItsSuccessor) {
  const pid_t sleeper = ::fork();
  if (sleeper == 0) tick_on();
  const std::int64_t entered = stop_in_tick(sleeper);
  ASSERT_NE(entered, 0);
  const std::int64_t successor = entered + 1;
  header_->tick_entry = successor;
  *clock_stands_ = true;
  const std::int64_t seen = *calls_;
  ASSERT_EQ(::kill(sleeper, SIGCONT), 0);
  while (*calls_ < seen + 2) ::usleep(50);
  EXPECT_EQ(header_->tick_entry, successor);
  kill_worker(sleeper);
}

}  // namespace
}  // namespace leastwise
